//! Durable, typed workflows.

pub mod client;
mod clock;
pub mod error;
#[doc(hidden)]
pub mod model;
pub mod store;
pub mod worker;
pub mod workflow;

pub use client::{Client, GateHandle, RunHandle, Settled, Status, StepState, StepStatus};
pub use error::{Classify, Error, Failure, Fault, Result, RunFailed, StepError};
pub use model::{
    Checkpoint, CheckpointKind, Decision, Event, EventKind, Gate, Invalid, Journal, Json, Label,
    Labels, NewCheckpoint, Outcome, Position, Run, RunFilter, RunId, RunKey, RunState, Timestamp,
    Waiting, WorkerRecord,
};
pub use worker::{WorkerBuilder, WorkerHandle, WorkflowWorker};
pub use workflow::{
    ApprovalGate, Durable, Payload, Step, StepCall, StepContext, Workflow, WorkflowCall,
    WorkflowContext, approval, now, record, sleep, sleep_until, uuid,
};
