//! The stored outcome of one durable operation.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Json, Position, Timestamp};
use crate::error::{Failure, Fault};

/// What kind of operation left a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointKind {
    /// The run's input.
    Input,
    /// A step.
    Step,
    /// A value computed once: `now`, `uuid`, `record`.
    Record,
    /// A durable sleep; its value is the time it ends.
    Sleep,
    /// The decision at a gate.
    Gate,
    /// A message that was taken.
    Signal,
    /// A run that was started, and then how it ended.
    Child,
    /// The run's result.
    Output,
}

impl CheckpointKind {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckpointKind::Input => "input",
            CheckpointKind::Step => "step",
            CheckpointKind::Record => "record",
            CheckpointKind::Sleep => "sleep",
            CheckpointKind::Gate => "gate",
            CheckpointKind::Signal => "signal",
            CheckpointKind::Child => "child",
            CheckpointKind::Output => "output",
        }
    }

    /// Whether a checkpoint of this kind at a position is of something that an author awaited.
    pub fn is_of_an_operation(self, position: &Position) -> bool {
        let is_frame = matches!(self, CheckpointKind::Input | CheckpointKind::Output);
        !is_frame && !position.is_note()
    }

    /// Reads the word in the table.
    pub fn from_word(word: &str) -> Option<CheckpointKind> {
        use CheckpointKind::{Child, Gate, Input, Output, Record, Signal, Sleep, Step};
        [Input, Step, Record, Sleep, Gate, Signal, Child, Output]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With a value.
    Ok(Json),
    /// With the author's own error.
    Err(Json),
    /// With a report of the engine.
    Fault(Fault),
}

impl Outcome {
    /// Whether it is a value.
    pub fn is_ok(&self) -> bool {
        matches!(self, Outcome::Ok(_))
    }

    /// What a failure says; nothing of a value.
    pub fn error_text(&self) -> String {
        match self {
            Outcome::Ok(_) => String::new(),
            Outcome::Err(json) => json
                .decode::<Failure>()
                .map_or_else(|_| json.to_string(), |failure| failure.message().to_owned()),
            Outcome::Fault(fault) => fault.to_string(),
        }
    }

    /// The word and the text that stand in the table.
    pub fn to_columns(&self) -> (&'static str, Json) {
        match self {
            Outcome::Ok(json) => ("ok", json.clone()),
            Outcome::Err(json) => ("error", json.clone()),
            // A fault is made of texts and numbers: JSON can hold it. A NUL in a text becomes an escape, which every
            // store keeps, since it never looks into a payload.
            Outcome::Fault(fault) => (
                "fault",
                serde_json::to_string(fault).map_or_else(|_| Json::null(), Json::from_store),
            ),
        }
    }

    /// Reads the table's two columns.
    ///
    /// # Errors
    /// [`Fault::Decode`] where the word is not known or a fault cannot be read: written by a newer version.
    pub fn from_columns(word: &str, json: Json) -> Result<Outcome, Fault> {
        match word {
            "ok" => Ok(Outcome::Ok(json)),
            "error" => Ok(Outcome::Err(json)),
            "fault" => json.decode().map(Outcome::Fault),
            other => Err(Fault::Decode {
                reason: format!("unknown outcome `{other}`"),
            }),
        }
    }
}

/// A checkpoint that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCheckpoint {
    /// Where in the run.
    pub position: Position,
    /// Its place in the order of the run's checkpoints, from 1; the input has 0.
    pub ordinal: u32,
    /// What left it.
    pub kind: CheckpointKind,
    /// Which await of the source, counted from 0.
    pub site: u16,
    /// [`digest`] of the operation's input.
    pub input_digest: i64,
    /// How many attempts it took.
    pub attempts: u32,
    /// How long the last attempt took.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
}

/// A checkpoint that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What was written.
    pub written: NewCheckpoint,
    /// When, on the store's clock.
    pub at: Timestamp,
}

/// The checkpoint that keeps a run's input.
pub fn input_checkpoint(input: &Json) -> NewCheckpoint {
    NewCheckpoint {
        position: Position::from(Position::INPUT),
        ordinal: 0,
        kind: CheckpointKind::Input,
        site: 0,
        input_digest: digest(input),
        attempts: 0,
        took: Duration::ZERO,
        outcome: Outcome::Ok(input.clone()),
    }
}

/// Eight bytes that stand for an operation's input, so that a replay can see that it asks for something else.
pub fn digest(input: &Json) -> i64 {
    let hash = Sha256::digest(input.as_str().as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(bytes)
}
