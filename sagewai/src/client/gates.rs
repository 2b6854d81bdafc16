//! Deciding at a gate.

use std::future::IntoFuture;

use super::Client;
use crate::error::Error;
use crate::model::{Act, Answer, Gate, RunId, Vote, Voted};
use crate::workflow::spec::BoxFuture;

/// All gates of a store.
#[derive(Debug, Clone)]
pub struct Gates {
    client: Client,
}

impl Gates {
    pub(super) fn new(client: Client) -> Gates {
        Gates { client }
    }

    /// Gates at which runs wait for a decision, oldest first; at most a thousand.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn pending(&self) -> Result<Vec<Gate>, Error> {
        Ok(self.client.store.open_gates(1_000).await?)
    }
}

/// A gate of a run, by their names. Each gate of each run is its own: a decision goes to this one and no other.
#[derive(Debug, Clone)]
pub struct GateHandle {
    client: Client,
    run: String,
    gate: String,
}

/// What a vote has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The gate is decided, and the run goes on.
    Decided,
    /// More people must approve.
    Counted {
        /// How many have.
        approvals: u32,
        /// How many must.
        quorum: u32,
    },
    /// The run has not asked yet: the vote is kept, and counted when it asks.
    Early,
}

impl GateHandle {
    pub(super) fn new(client: Client, run: String, gate: String) -> GateHandle {
        GateHandle { client, run, gate }
    }

    /// Says yes, in the name of `by`; await it. A vote that comes before the run asks is kept for it; the same one
    /// twice is one.
    ///
    /// ```
    /// # use sagewai::Client;
    /// # async fn example(client: Client) -> Result<(), sagewai::Error> {
    /// for gate in client.gates().pending().await? {
    ///     let review = client.gate(gate.run.as_str(), &gate.name);
    ///     // Bound to what was shown: refused where the run asks about something else by now.
    ///     review.approve("ann@acme.com").comment("fine").seen(&gate.digest).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn approve(&self, by: impl Into<String>) -> ApproveCall {
        self.vote(true, by.into(), None)
    }

    /// Says no, in the name of `by`, and why; await it. The run gets [`Fault::Rejected`](crate::Fault::Rejected).
    pub fn reject(&self, by: impl Into<String>, reason: impl Into<String>) -> ApproveCall {
        self.vote(false, by.into(), Some(reason.into()))
    }

    /// What is asked here, and what was said; none while nobody has asked or voted.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::Store`].
    pub async fn get(&self) -> Result<Option<Gate>, Error> {
        let run = RunId::new(self.run.clone())?;
        let found = self.client.store.messages(&run).await?;
        let found = found.ok_or(Error::NoRun { run })?;
        Ok(found.gates.into_iter().find(|gate| gate.name == self.gate))
    }

    fn vote(&self, approved: bool, by: String, reason: Option<String>) -> ApproveCall {
        ApproveCall {
            gate: self.clone(),
            vote: Vote {
                approved,
                by,
                groups: Vec::new(),
                reason,
                seen: None,
            },
        }
    }
}

/// A vote that is not cast yet; await it.
#[must_use = "nobody has voted unless this is awaited"]
#[derive(Debug)]
pub struct ApproveCall {
    gate: GateHandle,
    vote: Vote,
}

impl ApproveCall {
    /// Why; kept with the vote. Replaces the reason of a rejection.
    pub fn comment(mut self, comment: impl Into<String>) -> ApproveCall {
        self.vote.reason = Some(comment.into());
        self
    }

    /// Groups that the voter belongs to; the caller vouches for them.
    pub fn groups<I: Into<String>>(mut self, groups: impl IntoIterator<Item = I>) -> ApproveCall {
        let groups = groups.into_iter().map(Into::into);
        self.vote.groups.extend(groups);
        self
    }

    /// Binds the vote to what was shown, by [`Gate::digest`]: where the run asks about something else, it is refused, or
    /// does not count when it came early.
    pub fn seen(mut self, digest: impl Into<String>) -> ApproveCall {
        self.vote.seen = Some(digest.into());
        self
    }

    async fn cast(self) -> Result<Standing, Error> {
        let ApproveCall { gate: handle, vote } = self;
        let run = RunId::new(handle.run)?;
        let gate = handle.gate;
        crate::model::gate_name(&gate)?;
        crate::model::person(&vote.by)?;
        if let Some(reason) = &vote.reason {
            crate::model::reason(reason)?;
        }
        let act = Act::Vote {
            gate: gate.clone(),
            vote,
        };
        let Answer::Voted(voted) = handle.client.store.act(&run, &act).await? else {
            return Err(Error::NoRun { run });
        };
        match voted {
            Voted::Decided(_) | Voted::Already => Ok(Standing::Decided),
            Voted::Counted { approvals, quorum } => Ok(Standing::Counted { approvals, quorum }),
            Voted::Early => Ok(Standing::Early),
            Voted::Conflict(first) => Err(Error::AlreadyDecided { run, gate, first }),
            Voted::Refused(why) => Err(Error::VoteRefused {
                run,
                gate,
                why: Box::new(why),
            }),
            Voted::Finished(state) => Err(Error::WrongState {
                run,
                state,
                verb: "decided about",
            }),
        }
    }
}

impl IntoFuture for ApproveCall {
    type Output = Result<Standing, Error>;
    type IntoFuture = BoxFuture<'static, Result<Standing, Error>>;

    /// # Errors
    /// [`Error::NoRun`]; [`Error::AlreadyDecided`] where somebody decided otherwise before; [`Error::VoteRefused`] where
    /// the gate's rules refuse it; [`Error::WrongState`] where the run is over.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.cast())
    }
}
