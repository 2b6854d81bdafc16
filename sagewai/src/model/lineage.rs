//! Where a run comes from, and how long it may take: what is known when it starts and never changes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Outcome, Position, RunId, RunState, Timestamp};

/// What is known of a run from its start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// Who started it, where they said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_by: Option<String>,
    /// The run that started it, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// It fails where it is not over after this long, counted from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// It is cancelled where no worker has taken it after this long, counted from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<Duration>,
}

impl Header {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Header::default()
    }

    /// The times at which the run is to be ended from outside, counted from its start, and why.
    pub fn limits(&self) -> impl Iterator<Item = (Duration, Cause)> {
        let deadline = self.deadline.map(|limit| (limit, Cause::Deadline));
        let expiry = self.expires_after.map(|limit| (limit, Cause::Expired));
        deadline.into_iter().chain(expiry)
    }
}

/// The run that started another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its id.
    pub run: RunId,
    /// Where it did.
    pub position: Position,
    /// What becomes of the child when it ends first.
    pub on_end: OnParentEnd,
}

/// What becomes of a child whose parent ends first, in whatever way, or gives up waiting for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnParentEnd {
    /// It is cancelled.
    #[default]
    Cancel,
    /// It goes on by itself.
    Abandon,
}

/// Why a run is ended by the store itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// It is not over by its deadline: it fails.
    Deadline,
    /// No worker has taken it in time: it is cancelled.
    Expired,
    /// Its parent has ended, or does not wait for it any more: it is cancelled.
    Parent,
}

impl Cause {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Deadline => "deadline",
            Cause::Expired => "expired",
            Cause::Parent => "parent",
        }
    }

    /// Reads the word in the table.
    pub fn from_word(word: &str) -> Option<Cause> {
        [Cause::Deadline, Cause::Expired, Cause::Parent]
            .into_iter()
            .find(|cause| cause.as_str() == word)
    }
}

/// A run that another one started, as its parent sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// Its id.
    pub run: RunId,
    /// Name of its workflow.
    pub workflow: String,
    /// Where its parent started it.
    pub position: Position,
    /// Where it stands.
    pub state: RunState,
    /// How it ended, where it has.
    pub outcome: Option<Outcome>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}
