//! What happened to a run that its checkpoints do not say.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Labels, Position, Timestamp, Waiting};

/// One entry of a run's timeline that is stored as such. (When a run was submitted and when each operation ended
/// stand in the run and in its checkpoints, and are not stored twice.)
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A worker took the run up again: after a wait, a hand-back, or from a worker that is gone.
    Claimed {
        /// Who took it.
        worker: String,
        /// Whether it was taken from a worker whose lease had passed.
        takeover: bool,
    },
    /// An attempt of a step failed.
    AttemptFailed {
        /// Which step.
        position: Position,
        /// Which attempt, from 1.
        attempt: u32,
        /// What it said.
        error: String,
        /// When the next one begins; none when this was the last.
        next_at: Option<Timestamp>,
    },
    /// The run went to sleep.
    Parked {
        /// What it waits for.
        waiting: Waiting,
    },
    /// A person spoke at a gate, and it takes more of them; or the run has not asked yet.
    Voted {
        /// Which gate.
        gate: String,
        /// Yes or no.
        approved: bool,
        /// Who.
        by: String,
        /// Why, where it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The reviewers of a gate are to be reminded.
    Reminded {
        /// Which gate.
        gate: String,
        /// How many times by now.
        times: u32,
    },
    /// A gate was decided: by this person's vote, or by its deadline.
    Decided {
        /// Which gate.
        gate: String,
        /// Yes or no.
        approved: bool,
        /// Who.
        by: String,
        /// Why, where it was said.
        reason: Option<String>,
    },
    /// A message was sent to the run.
    Signalled {
        /// What it is called.
        signal: String,
        /// Its id.
        id: String,
        /// Who sent it, where they said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// A message that the run had not taken was taken away.
    SignalDropped {
        /// What it was called.
        signal: String,
        /// Its id.
        id: String,
        /// By whom.
        by: String,
    },
    /// The run was ended from outside.
    Cancelled {
        /// By whom.
        by: String,
        /// Why.
        reason: String,
    },
    /// The run was not over by its deadline.
    DeadlinePassed {
        /// How long it had, from its start.
        limit: Duration,
    },
    /// A person asked the run to pause.
    PauseAsked {
        /// Who.
        by: String,
    },
    /// The run has paused.
    Paused,
    /// A person made a paused run go on.
    Resumed {
        /// Who.
        by: String,
    },
    /// A worker that shut down gave the run back.
    HandedBack {
        /// Which worker.
        worker: String,
    },
    /// The run was handed over, because a step asks for another worker.
    HandedOver {
        /// The worker that had it.
        worker: String,
        /// Which step.
        position: Position,
        /// The pool whose workers may have it.
        pool: String,
        /// Labels that they must have.
        labels: Labels,
    },
    /// A person made a failed or held run go on. Attempts before this do not count any more.
    Retried {
        /// Who.
        by: String,
    },
}

impl EventKind {
    /// The word in the table.
    pub fn word(&self) -> &'static str {
        match self {
            EventKind::Claimed { .. } => "claimed",
            EventKind::AttemptFailed { .. } => "attempt_failed",
            EventKind::Parked { .. } => "parked",
            EventKind::Voted { .. } => "voted",
            EventKind::Reminded { .. } => "reminded",
            EventKind::Decided { .. } => "decided",
            EventKind::Signalled { .. } => "signalled",
            EventKind::SignalDropped { .. } => "signal_dropped",
            EventKind::Cancelled { .. } => "cancelled",
            EventKind::DeadlinePassed { .. } => "deadline_passed",
            EventKind::PauseAsked { .. } => "pause_asked",
            EventKind::Paused => "paused",
            EventKind::Resumed { .. } => "resumed",
            EventKind::HandedBack { .. } => "handed_back",
            EventKind::HandedOver { .. } => "handed_over",
            EventKind::Retried { .. } => "retried",
        }
    }
}

/// An event that is to be written. Its id is chosen by the writer: written again after a lost reply, it is still one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Unique, in the order of writing.
    pub id: Uuid,
    /// What happened.
    pub kind: EventKind,
}

impl NewEvent {
    /// A new event.
    pub fn new(kind: EventKind) -> NewEvent {
        NewEvent {
            id: Uuid::now_v7(),
            kind,
        }
    }
}

/// An event that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Unique within the run.
    pub id: Uuid,
    /// When, on the store's clock.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}
