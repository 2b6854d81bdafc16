//! A point where a run waits for people: what it asks, what they say, and what that comes to.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Json, RunId, RunState, Timestamp};

/// Who decides at the deadline of a gate, in [`Decision::by`].
pub const DEADLINE: &str = "deadline";

/// What a run asks at a gate.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRequest {
    /// Name of the gate, unique in the run: `review`, and `review#2` for the second time.
    pub name: String,
    /// What the person is asked.
    pub prompt: String,
    /// What the decision is about.
    pub context: Option<Json>,
    /// Who may decide, how many it takes, and until when.
    pub rules: GateRules,
    /// What votes that came before the question came to.
    pub decision: Option<Decision>,
}

impl GateRequest {
    /// [`gate_digest`] of what is shown.
    pub fn digest(&self) -> String {
        gate_digest(&self.prompt, self.context.as_ref())
    }
}

/// Who may decide at a gate, how many it takes, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GateRules {
    /// Who may decide; everybody where neither a reviewer nor a group is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<String>,
    /// Groups whose members may decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// How many different people must approve. One who rejects is enough.
    pub quorum: u32,
    /// Whether the one who started the run may not decide.
    pub no_self_approval: bool,
    /// How long there is to decide, from when the run asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// What happens at the deadline.
    pub on_deadline: OnDeadline,
    /// How often the reviewers are reminded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remind_every: Option<Duration>,
}

impl Default for GateRules {
    /// Anybody, one of them, without a deadline.
    fn default() -> GateRules {
        GateRules {
            reviewers: Vec::new(),
            groups: Vec::new(),
            quorum: 1,
            no_self_approval: false,
            deadline: None,
            on_deadline: OnDeadline::default(),
            remind_every: None,
        }
    }
}

/// What happens where nobody has decided by a gate's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDeadline {
    /// The workflow gets [`Fault::TimedOut`](crate::Fault::TimedOut).
    #[default]
    Fail,
    /// The gate is rejected, by `deadline`.
    Reject,
    /// The gate is approved, by `deadline`.
    Approve,
}

/// What one person says at a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Yes or no.
    pub approved: bool,
    /// Who says it.
    pub by: String,
    /// Groups that they belong to, as far as the caller vouches for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Why, where it was said; always said with a no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// [`Gate::digest`] of what they were shown, where they bind themselves to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// What the votes at a gate came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Yes or no.
    pub approved: bool,
    /// Who decided: the last vote that it took, or [`DEADLINE`].
    pub by: String,
    /// Why, where it was said; always said with a no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A gate as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    /// The run that waits at it.
    pub run: RunId,
    /// Its name in that run.
    pub name: String,
    /// What was asked; empty while a vote came before the question.
    pub prompt: String,
    /// What the decision is about.
    pub context: Option<Json>,
    /// Who may decide, how many it takes, and until when.
    pub rules: GateRules,
    /// Stands for what is shown, prompt and context: a vote that names another digest is refused.
    pub digest: String,
    /// When the run asked; none while it has not.
    pub asked_at: Option<Timestamp>,
    /// When nobody may decide any more.
    pub deadline_at: Option<Timestamp>,
    /// What people have said, in order.
    pub votes: Vec<Vote>,
    /// What was decided, and when.
    pub decision: Option<(Decision, Timestamp)>,
    /// When the run stopped waiting for a decision: another branch was faster.
    pub withdrawn_at: Option<Timestamp>,
}

/// What becomes of a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voted {
    /// It counts, and it decided.
    Decided(Decision),
    /// It counts, and more approvals are needed.
    Counted {
        /// How many have approved.
        approvals: u32,
        /// How many it takes.
        quorum: u32,
    },
    /// It is kept for when the run asks.
    Early,
    /// The very same vote stood already.
    Already,
    /// Another decision stands, this one; or, before the run asks, an opposite vote.
    Conflict(Decision),
    /// It does not count, and was not kept.
    Refused(VoteRefused),
    /// The run is over.
    Finished(RunState),
}

/// Why a vote does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoteRefused {
    /// Only others may decide.
    #[error("only {} may decide at it", named(reviewers, groups))]
    NotAReviewer {
        /// Who may.
        reviewers: Vec<String>,
        /// Whose members may.
        groups: Vec<String>,
    },
    /// The one who started the run may not decide.
    #[error("it forbids self-approval, and {starter} started the run; somebody else must decide")]
    SelfApproval {
        /// Who started it.
        starter: String,
    },
    /// Something else was shown than what the run asks about.
    #[error(
        "what was shown is not what the run asks about now; look at the gate again and decide about that"
    )]
    OtherContext,
    /// The deadline has passed.
    #[error("its deadline was {0}")]
    PastDeadline(Timestamp),
    /// The same person said something else before.
    #[error("{} {} already", .0.by, if .0.approved { "approved" } else { "rejected" })]
    VotedOtherwise(Box<Vote>),
    /// The run does not wait for a decision any more.
    #[error("the run does not wait at it any more: another branch was faster")]
    Withdrawn,
}

fn named(reviewers: &[String], groups: &[String]) -> String {
    let members = groups.iter().map(|group| format!("members of {group}"));
    let all: Vec<String> = reviewers.iter().cloned().chain(members).collect();
    all.join(", ")
}

/// Stands for what is shown at a gate: SHA-256 of prompt and context, the first half, in hexadecimal.
pub fn gate_digest(prompt: &str, context: Option<&Json>) -> String {
    let mut hash = Sha256::new();
    hash.update(prompt.as_bytes());
    hash.update([0]);
    hash.update(context.map_or("", Json::as_str).as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

impl Gate {
    /// A gate at which nobody has asked or voted.
    pub fn new(run: RunId, name: &str) -> Gate {
        Gate {
            run,
            name: name.to_owned(),
            prompt: String::new(),
            context: None,
            rules: GateRules::default(),
            digest: String::new(),
            asked_at: None,
            deadline_at: None,
            votes: Vec::new(),
            decision: None,
            withdrawn_at: None,
        }
    }

    /// Whether the run waits for a decision here.
    pub fn is_open(&self) -> bool {
        self.asked_at.is_some() && self.decision.is_none() && self.withdrawn_at.is_none()
    }

    /// What becomes of one more vote. `starter` is who started the run.
    pub fn judge(&self, vote: &Vote, starter: Option<&str>, now: Timestamp) -> Voted {
        if let Some(before) = self.votes.iter().find(|before| before.by == vote.by) {
            if before.approved == vote.approved {
                return Voted::Already;
            }
            if self.decision.is_none() {
                return Voted::Refused(VoteRefused::VotedOtherwise(Box::new(before.clone())));
            }
        }
        if let Some((decision, _)) = &self.decision {
            let same = decision.approved == vote.approved && decision.by == vote.by;
            return if same {
                Voted::Already
            } else {
                Voted::Conflict(decision.clone())
            };
        }
        if self.withdrawn_at.is_some() {
            return Voted::Refused(VoteRefused::Withdrawn);
        }
        if self.asked_at.is_none() {
            // Under which rules nobody knows yet; but they cannot both hold.
            let other = self.votes.iter().find(|v| v.approved != vote.approved);
            return other.map_or(Voted::Early, |first| {
                Voted::Conflict(Decision {
                    approved: first.approved,
                    by: first.by.clone(),
                    reason: first.reason.clone(),
                })
            });
        }
        if let Some(deadline) = self.deadline_at.filter(|deadline| *deadline <= now) {
            return Voted::Refused(VoteRefused::PastDeadline(deadline));
        }
        if let Err(refused) = self.rules.admit(vote, &self.digest, starter) {
            return Voted::Refused(refused);
        }
        let mut votes = self.votes.clone();
        votes.push(vote.clone());
        match self.rules.tally(&votes, &self.digest, starter) {
            Some(decision) => Voted::Decided(decision),
            None => Voted::Counted {
                approvals: self.rules.approvals(&votes, &self.digest, starter),
                quorum: self.rules.quorum,
            },
        }
    }

    /// What its deadline decides, where it has passed and nobody decided before.
    pub fn overdue(&self, now: Timestamp) -> Option<Decision> {
        let deadline = self.deadline_at.filter(|deadline| *deadline <= now)?;
        self.is_open().then(|| Decision {
            approved: self.rules.on_deadline == OnDeadline::Approve,
            by: DEADLINE.to_owned(),
            reason: Some(format!("nobody had decided by {deadline}")),
        })
    }
}

impl GateRules {
    /// What these votes come to; none while more are needed. Votes that do not count are passed over.
    pub fn tally(&self, votes: &[Vote], digest: &str, starter: Option<&str>) -> Option<Decision> {
        let mut approvals = 0;
        let mut counted = votes
            .iter()
            .filter(|vote| self.admit(vote, digest, starter).is_ok());
        let deciding = counted.find(|vote| {
            approvals += u32::from(vote.approved);
            !vote.approved || approvals >= self.quorum
        })?;
        Some(Decision {
            approved: deciding.approved,
            by: deciding.by.clone(),
            reason: deciding.reason.clone(),
        })
    }

    fn approvals(&self, votes: &[Vote], digest: &str, starter: Option<&str>) -> u32 {
        let counted = votes
            .iter()
            .filter(|vote| vote.approved && self.admit(vote, digest, starter).is_ok());
        u32::try_from(counted.count()).unwrap_or(u32::MAX)
    }

    /// Whether a vote counts.
    fn admit(&self, vote: &Vote, digest: &str, starter: Option<&str>) -> Result<(), VoteRefused> {
        let is_open = self.reviewers.is_empty() && self.groups.is_empty();
        let is_named = self.reviewers.contains(&vote.by)
            || self.groups.iter().any(|group| vote.groups.contains(group));
        if !is_open && !is_named {
            return Err(VoteRefused::NotAReviewer {
                reviewers: self.reviewers.clone(),
                groups: self.groups.clone(),
            });
        }
        if self.no_self_approval && starter == Some(vote.by.as_str()) {
            return Err(VoteRefused::SelfApproval {
                starter: vote.by.clone(),
            });
        }
        if vote.seen.as_deref().is_some_and(|seen| seen != digest) {
            return Err(VoteRefused::OtherContext);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(by: &str, approved: bool) -> Vote {
        Vote {
            approved,
            by: by.to_owned(),
            groups: Vec::new(),
            reason: None,
            seen: None,
        }
    }

    fn asked(rules: GateRules) -> Gate {
        Gate {
            rules,
            digest: "d".to_owned(),
            asked_at: Some(Timestamp::from_micros(1)),
            ..Gate::new(RunId::new("a").unwrap(), "review")
        }
    }

    const NOW: Timestamp = Timestamp::from_micros(10);

    #[test]
    fn quorum_counts_different_people_and_one_no_is_enough() {
        let mut gate = asked(GateRules {
            quorum: 2,
            ..GateRules::default()
        });
        let first = gate.judge(&vote("ann", true), None, NOW);
        assert_eq!(
            first,
            Voted::Counted {
                approvals: 1,
                quorum: 2
            }
        );
        gate.votes.push(vote("ann", true));
        assert_eq!(gate.judge(&vote("ann", true), None, NOW), Voted::Already);
        assert!(matches!(
            gate.judge(&vote("ann", false), None, NOW),
            Voted::Refused(VoteRefused::VotedOtherwise(_))
        ));
        for (second, approved) in [("bob", true), ("bob", false)] {
            let Voted::Decided(decision) = gate.judge(&vote(second, approved), None, NOW) else {
                panic!("two have spoken");
            };
            assert_eq!((decision.by.as_str(), decision.approved), ("bob", approved));
        }
    }

    #[test]
    fn only_those_who_may_decide() {
        let gate = asked(GateRules {
            reviewers: vec!["ann".to_owned()],
            groups: vec!["editors".to_owned()],
            no_self_approval: true,
            ..GateRules::default()
        });
        let refused = |vote: &Vote| match gate.judge(vote, Some("ann"), NOW) {
            Voted::Refused(why) => why.to_string(),
            other => format!("{other:?}"),
        };
        assert!(refused(&vote("eve", true)).contains("ann, members of editors"));
        assert!(refused(&vote("ann", true)).contains("self-approval"));
        let mut bob = vote("bob", true);
        bob.groups.push("editors".to_owned());
        assert!(refused(&bob).starts_with("Decided"));
        bob.seen = Some("another".to_owned());
        assert!(refused(&bob).contains("look at the gate again"));
    }

    #[test]
    fn votes_that_came_early_count_when_the_run_asks() {
        let rules = GateRules {
            reviewers: vec!["ann".to_owned()],
            ..GateRules::default()
        };
        let gate = Gate {
            asked_at: None,
            ..asked(rules.clone())
        };
        assert_eq!(gate.judge(&vote("eve", true), None, NOW), Voted::Early);
        let mut shown = vote("ann", true);
        shown.seen = Some("something else".to_owned());
        let gate = Gate {
            votes: vec![vote("ann", true)],
            ..gate
        };
        assert!(matches!(
            gate.judge(&vote("bob", false), None, NOW),
            Voted::Conflict(_)
        ));
        let early = [vote("eve", false), shown];
        assert_eq!(rules.tally(&early, "d", None), None, "neither counts");
        let early = [vote("eve", false), vote("ann", true)];
        assert_eq!(rules.tally(&early, "d", None).unwrap().by, "ann");
    }

    #[test]
    fn deadline_decides_once_and_late_votes_are_refused() {
        let mut gate = asked(GateRules {
            on_deadline: OnDeadline::Reject,
            ..GateRules::default()
        });
        gate.deadline_at = Some(NOW);
        assert_eq!(gate.overdue(Timestamp::from_micros(9)), None);
        assert!(matches!(
            gate.judge(&vote("ann", true), None, NOW),
            Voted::Refused(VoteRefused::PastDeadline(_))
        ));
        let decision = gate.overdue(NOW).unwrap();
        assert_eq!((decision.approved, decision.by.as_str()), (false, DEADLINE));
        gate.decision = Some((decision, NOW));
        assert_eq!(gate.overdue(NOW), None);
    }

    #[test]
    fn digest_covers_prompt_and_context() {
        let json = Json::encode(&1).unwrap();
        let digests = [
            gate_digest("a", None),
            gate_digest("b", None),
            gate_digest("a", Some(&json)),
        ];
        assert!(digests.iter().all(|digest| digest.len() == 32));
        assert!(digests[0] != digests[1] && digests[0] != digests[2]);
    }
}
