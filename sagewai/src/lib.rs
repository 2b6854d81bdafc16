//! Durable, typed workflows.

pub mod error;
#[doc(hidden)]
pub mod model;
pub mod store;

pub use error::{Classify, Failure, Fault, Result, StepError};
pub use model::{
    Checkpoint, CheckpointKind, Decision, Event, EventKind, Gate, Invalid, Journal, Json, Label,
    Labels, NewCheckpoint, Outcome, Position, Run, RunFilter, RunId, RunKey, RunState, Timestamp,
    Waiting, WorkerRecord,
};
