//! What people, clocks and other runs do to a run.

use super::{Cause, NewSignal, OnParentEnd, Run, RunState, Vote, Voted};

/// Something that is done to a run from outside, in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A person speaks at a gate. Before the run asks, the vote is kept for it. What decides wakes the run.
    Vote {
        /// Which gate.
        gate: String,
        /// What they say.
        vote: Vote,
    },
    /// The deadline of a gate has passed: decides as its rules say, unless somebody has.
    CloseGate {
        /// Which gate.
        gate: String,
    },
    /// A message is sent; it is kept until the run takes it, and wakes the run.
    Signal(NewSignal),
    /// A message that the run has not taken is taken away.
    DropSignal {
        /// Its id.
        id: String,
        /// By whom.
        by: String,
    },
    /// The run is ended, whatever it does.
    Cancel {
        /// By whom.
        by: String,
        /// Why.
        reason: String,
    },
    /// The run stops at its next durable point, until it is resumed.
    Pause {
        /// By whom.
        by: String,
    },
    /// A run that is paused, or about to be, goes on.
    Resume {
        /// By whom.
        by: String,
    },
    /// A run that failed, or one whose code no longer fitted, goes on: completed steps stay. The checkpoints that made
    /// it fail go, and the decisions of gates that were rejected. Attempts count from the start again.
    Retry {
        /// By whom.
        by: String,
    },
    /// The run is ended by the store itself, if the cause still holds.
    End(Cause),
}

/// What became of an [`Act`].
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is done. The run is shown as it was before.
    Done(Box<Run>),
    /// It was done already: the same decision, message or request stands.
    Already(Box<Run>),
    /// What a vote came to.
    Voted(Voted),
    /// The state of the run does not allow it; nothing is changed.
    WrongState(Box<Run>),
    /// Another message of this id was sent.
    OtherSignal,
    /// There is nothing of this name: no such gate or message.
    Nothing,
    /// There is no such run.
    NoRun,
}

/// Whether an act may be done to a run in this state; a vote is judged by its gate.
pub fn may(act: &Act, run: &Run) -> bool {
    match act {
        Act::Vote { .. } | Act::CloseGate { .. } | Act::Signal(_) | Act::Cancel { .. } => {
            !run.state.is_finished()
        }
        Act::DropSignal { .. } => true,
        Act::Pause { .. } => !run.state.is_finished() && run.state != RunState::Paused,
        Act::Resume { .. } => run.state == RunState::Paused || run.pausing,
        Act::Retry { .. } => super::can_retry(run),
        Act::End(Cause::Expired) => run.state == RunState::Pending && run.started_at.is_none(),
        Act::End(Cause::Parent) => {
            let parent = run.header.parent.as_ref();
            !run.state.is_finished() && parent.is_some_and(|p| p.on_end == OnParentEnd::Cancel)
        }
        Act::End(Cause::Deadline) => !run.state.is_finished(),
    }
}
