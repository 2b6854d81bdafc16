//! A point where the run waits for people.

use std::time::Duration;

use serde::Serialize;

use super::durable::Durable;
use super::erased::typed;
use super::replay::Effect;
use super::scope::Site;
use super::timeout::{Timeout, timeout};
use crate::error::Fault;
use crate::model::{DEADLINE, Decision, GateRequest, GateRules, Json, OnDeadline, Outcome};

/// Waits for people to decide. Give it a name that is unique in the workflow: people decide by it. Asked at again, in a
/// loop for instance, the gate is `review#2`. Where several branches ask under one name at once, the first has it, and
/// the others go by their position, as in `map.3/review`.
///
/// An approval gives the [`Decision`], with who approved. A rejection is [`Fault::Rejected`], with the reviewer and
/// the reason: `?` ends the run with it, or match on it. The run costs nothing while it waits.
///
/// ```
/// # use std::time::Duration;
/// # use sagewai::{OnDeadline, prelude::*};
/// #[workflow]
/// async fn publish(article: String) -> Result<String> {
///     let decision = approval("legal")
///         .prompt("May this be published?")
///         .context(&article)
///         .reviewers(["ann@acme.com", "bob@acme.com"])
///         .quorum(2)
///         .deadline(Duration::from_secs(3 * 24 * 60 * 60))
///         .on_deadline(OnDeadline::Reject)
///         .await?;
///     Ok(format!("{article}, says {}", decision.by))
/// }
/// ```
pub fn approval(name: impl Into<String>) -> ApprovalGate {
    ApprovalGate {
        name: name.into(),
        prompt: String::new(),
        context: None,
        rules: GateRules::default(),
    }
}

/// What [`approval`] returns; await it.
#[must_use = "a gate does nothing unless awaited"]
#[derive(Debug)]
pub struct ApprovalGate {
    name: String,
    prompt: String,
    context: Option<Result<Json, Fault>>,
    rules: GateRules,
}

impl ApprovalGate {
    /// What the reviewers are asked.
    pub fn prompt(mut self, prompt: impl Into<String>) -> ApprovalGate {
        self.prompt = prompt.into();
        self
    }

    /// What the decision is about; shown to the reviewers.
    pub fn context<T: Serialize + ?Sized>(mut self, context: &T) -> ApprovalGate {
        self.context = Some(Json::encode(context));
        self
    }

    /// Who may decide; anybody by default. Added to those named before.
    pub fn reviewers<I: Into<String>>(
        mut self,
        people: impl IntoIterator<Item = I>,
    ) -> ApprovalGate {
        let people = people.into_iter().map(Into::into);
        self.rules.reviewers.extend(people);
        self
    }

    /// Groups whose members may decide, beside the reviewers. Who belongs to one is for the caller of
    /// [`GateHandle::approve`](crate::GateHandle::approve) to say.
    pub fn reviewer_groups<I: Into<String>>(
        mut self,
        groups: impl IntoIterator<Item = I>,
    ) -> ApprovalGate {
        let groups = groups.into_iter().map(Into::into);
        self.rules.groups.extend(groups);
        self
    }

    /// How many different people must approve; one by default. One who rejects is enough.
    pub fn quorum(mut self, people: u32) -> ApprovalGate {
        self.rules.quorum = people;
        self
    }

    /// Whoever [started](crate::WorkflowCall::started_by) the run may not decide.
    pub fn no_self_approval(mut self) -> ApprovalGate {
        self.rules.no_self_approval = true;
        self
    }

    /// How long there is to decide, counted on the store's clock from when the run asks.
    pub fn deadline(mut self, limit: Duration) -> ApprovalGate {
        self.rules.deadline = Some(limit);
        self
    }

    /// What happens at the deadline: [`OnDeadline::Fail`] by default.
    pub fn on_deadline(mut self, then: OnDeadline) -> ApprovalGate {
        self.rules.on_deadline = then;
        self
    }

    /// How often the timeline, and whoever listens to [`on_reminder`](crate::WorkerBuilder::on_reminder), is told that
    /// nobody has decided yet.
    pub fn remind_every(mut self, interval: Duration) -> ApprovalGate {
        self.rules.remind_every = Some(interval);
        self
    }

    /// How long the run waits at most: then this gives [`Fault::TimedOut`], and the gate is withdrawn. Unlike a
    /// [`deadline`](ApprovalGate::deadline), it decides nothing.
    pub fn timeout(self, limit: Duration) -> Timeout<ApprovalGate> {
        let what = format!("approval:{}", self.name);
        timeout(limit, what, self)
    }
}

#[diagnostic::do_not_recommend]
impl Durable for ApprovalGate {
    type Output = Result<Decision, Fault>;
    async fn run(self, at: Site) -> Self::Output {
        let replay = at.replay().clone();
        let position = at.position(&format!("approval:{}", self.name));
        let written = at.scope.local(&position).replacen("approval:", "", 1);
        let name = replay.gate_name(&position, written);
        crate::model::gate_name(&name).map_err(|invalid| Fault::Encode {
            reason: invalid.to_string(),
        })?;
        check(&name, &self.rules, replay.identity.started_by.as_deref())?;
        let request = GateRequest {
            name,
            prompt: self.prompt.replace('\0', ""),
            context: self.context.transpose()?,
            rules: self.rules,
            decision: None,
        };
        let effect = Effect::Gate(Box::new(request));
        let came = replay.operation_at(&at, position, 0, effect).await;
        typed::<Decision, Fault>(&at, came).await
    }
}

/// Refuses rules under which nobody could ever decide.
fn check(gate: &str, rules: &GateRules, starter: Option<&str>) -> Result<(), Fault> {
    let named = u32::try_from(rules.reviewers.len()).unwrap_or(u32::MAX);
    let is_short = |length: Option<Duration>| length.is_some_and(|length| length.is_zero());
    let reason = if rules.quorum == 0 {
        "a quorum of 0 would need nobody".to_owned()
    } else if rules.groups.is_empty() && named > 0 && named < rules.quorum {
        format!(
            "a quorum of {} cannot be reached by {named} reviewers",
            rules.quorum
        )
    } else if is_short(rules.deadline) {
        "a deadline of 0 leaves nobody time to decide".to_owned()
    } else if is_short(rules.remind_every) {
        "a reminder every 0 s would remind without end".to_owned()
    } else if rules.no_self_approval && starter.is_none() {
        "it forbids self-approval, and nobody is known to have started the run; start it with `.started_by(..)`"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Fault::Gate {
        gate: gate.to_owned(),
        reason,
    })
}

/// How a decision is stored, and what the workflow gets of it.
pub(crate) fn outcome_of(gate: &str, rules: &GateRules, decision: &Decision) -> Outcome {
    if decision.approved {
        return Json::encode(decision).map_or_else(Outcome::Fault, Outcome::Ok);
    }
    if decision.by == DEADLINE && rules.on_deadline == OnDeadline::Fail {
        return Outcome::Fault(Fault::TimedOut {
            step: format!("approval:{gate}"),
            limit: rules.deadline.unwrap_or_default(),
        });
    }
    Outcome::Fault(Fault::Rejected {
        gate: gate.to_owned(),
        reason: decision.reason.clone().unwrap_or_default(),
        reviewer: decision.by.clone(),
    })
}
