//! What the engine itself reports.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the engine reports in place of a step's own error. It is stored with the run like any other error, so a
/// replay sees the same one.
///
/// A typed step error takes it with a variant of its own, as in `Engine(#[from] sagewai::Fault)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// An attempt did not end within the step's `timeout`, or nobody and nothing came for an operation in time.
    TimedOut {
        /// Name of the step; `approval:review`, `signal:payment` of another operation.
        step: String,
        /// The limit it passed.
        limit: Duration,
    },
    /// The code panicked.
    Panicked {
        /// What the panic said.
        message: String,
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
    /// A run that this one started was cancelled.
    ChildCancelled {
        /// Which one.
        run: String,
        /// By whom.
        by: String,
        /// Why.
        reason: String,
    },
    /// A run could not be started, or is not this one's own.
    Child {
        /// Which one.
        run: String,
        /// Why.
        reason: String,
    },
    /// A gate cannot be asked at as it is described.
    Gate {
        /// Name of the gate.
        gate: String,
        /// Why.
        reason: String,
    },
    /// A person said no at a gate. Never retried.
    Rejected {
        /// Name of the gate.
        gate: String,
        /// Why, in the reviewer's words.
        reason: String,
        /// Who decided.
        reviewer: String,
    },
    /// A value cannot be stored as JSON.
    Encode {
        /// What JSON cannot hold, and where in the value.
        reason: String,
    },
    /// Stored JSON does not describe the type that the code asks for.
    Decode {
        /// What was expected and found.
        reason: String,
    },
    /// A value is larger than the store takes.
    TooLarge {
        /// Size of its JSON text.
        bytes: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// A step was awaited where `#[workflow]` cannot see it, inside a macro for instance.
    HiddenAwait {
        /// Name of the step.
        step: String,
    },
    /// A workflow body waited for something that is not durable: a timer, a socket, a spawned task.
    ForeignAwait {
        /// The last position the body had reached, in that branch where it is in one.
        after: Option<String>,
        /// The branch that waits, as in `join.1`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
    },
    /// Workers died with this run, again and again, before it made any progress.
    Poisoned {
        /// How many workers.
        workers: u32,
    },
}

impl Fault {
    /// Whether another attempt cannot help.
    pub fn is_terminal(&self) -> bool {
        !matches!(self, Fault::TimedOut { .. } | Fault::Panicked { .. })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TimedOut { step, limit } => {
                write!(f, "timeout: `{step}` did not end within {limit:?}")
            }
            Fault::Panicked { message } => write!(f, "panicked: {message}"),
            Fault::Cancelled { by, reason } => write!(f, "cancelled by {by}: {reason}"),
            Fault::DeadlinePassed { limit } => {
                write!(
                    f,
                    "the run was not over by its deadline, {limit:?} after its start"
                )
            }
            Fault::ChildCancelled { run, by, reason } => {
                write!(
                    f,
                    "run `{run}`, which this one started, was cancelled by {by}: {reason}"
                )
            }
            Fault::Child { run, reason } => write!(f, "run `{run}` cannot be a child: {reason}"),
            Fault::Gate { gate, reason } => write!(f, "gate `{gate}` cannot be asked at: {reason}"),
            Fault::Rejected {
                gate,
                reason,
                reviewer,
            } => write!(f, "gate `{gate}` was rejected by {reviewer}: {reason}"),
            Fault::Encode { reason } => write!(f, "cannot be stored: {reason}"),
            Fault::Decode { reason } => write!(f, "cannot be read back: {reason}"),
            Fault::TooLarge { bytes, limit } => write!(
                f,
                "cannot be stored: {bytes} bytes of JSON, and the limit is {limit}; store a reference to it instead"
            ),
            Fault::HiddenAwait { step } => write!(
                f,
                "step `{step}` was awaited where `#[workflow]` cannot see it; await it in the workflow's own body"
            ),
            Fault::ForeignAwait { after, branch } => {
                f.write_str("the workflow waits for something that is not durable")?;
                if let Some(branch) = branch {
                    write!(f, ", in branch `{branch}`")?;
                }
                match after {
                    Some(position) => write!(f, ", after `{position}`")?,
                    None => f.write_str(", before its first step")?,
                }
                f.write_str("; do it in a `#[step]`")
            }
            Fault::Poisoned { workers } => write!(
                f,
                "given up: {workers} workers died with this run before it made progress"
            ),
        }
    }
}

impl std::error::Error for Fault {}
