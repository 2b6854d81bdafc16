//! A point where a run waits for a person.

use serde::{Deserialize, Serialize};

use super::{Json, RunId, Timestamp};

/// What a run asks at a gate.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRequest {
    /// Name of the gate, unique in the run: `review`, and `review#2` for the second time.
    pub name: String,
    /// What the person is asked.
    pub prompt: String,
    /// What the decision is about.
    pub context: Option<Json>,
}

/// What a person decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Yes or no.
    pub approved: bool,
    /// Who decided.
    pub by: String,
    /// Why, where it was said; always said with a no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A gate as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The run that waits at it.
    pub run: RunId,
    /// Its name in that run.
    pub name: String,
    /// What was asked; empty while the decision came before the question.
    pub prompt: String,
    /// What the decision is about.
    pub context: Option<Json>,
    /// When the run asked; none while it has not.
    pub asked_at: Option<Timestamp>,
    /// What was decided, and when.
    pub decision: Option<(Decision, Timestamp)>,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It stands now.
    Recorded,
    /// The very same decision stood already.
    Already,
    /// Another decision stands, this one.
    Conflict(Decision),
    /// The run is over.
    Finished,
    /// There is no such run.
    NoRun,
}

impl Decision {
    /// What a new decision means where this one stands: the first one holds.
    pub fn against(&self, new: &Decision) -> Decided {
        if self.approved == new.approved && self.by == new.by {
            Decided::Already
        } else {
            Decided::Conflict(self.clone())
        }
    }
}
