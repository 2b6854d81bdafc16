//! What a body asks its driver for.

use std::fmt;

use crate::model::{
    CheckpointKind, GateRequest, Json, NewRun, Outcome, Position, RunId, Timestamp,
};
use crate::workflow::asks::Asks;
use crate::workflow::erased::StepBody;
use crate::workflow::spec::StepSpec;

/// What a body asks for, at a position that has no checkpoint yet.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) position: Position,
    pub(crate) site: u16,
    pub(crate) input_digest: i64,
    pub(crate) effect: Effect,
}

/// What is to be done.
pub(crate) enum Effect {
    /// Run a step.
    Step {
        spec: StepSpec,
        /// What the call asks of the worker; what the spec does where it says nothing.
        asks: Option<Box<Asks>>,
        input: Json,
        body: StepBody,
    },
    /// Keep a value that the body computed.
    Record(Outcome),
    /// Tell the time.
    Now,
    /// Draw a UUID.
    Uuid,
    /// Wait until a time, or for a length of time from now.
    Sleep(SleepRequest),
    /// Ask a person.
    Gate(Box<GateRequest>),
    /// Take the next message of this name.
    Signal { name: String },
    /// Start another run.
    Start(Box<NewRun>),
    /// Wait for the end of a run that this one started.
    Child { run: RunId },
}

/// A sleep.
#[derive(Debug)]
pub(crate) struct SleepRequest {
    /// Where the checkpoint stands that says when it ends.
    pub(crate) position: Position,
    pub(crate) end: SleepEnd,
    /// Whether its end is a checkpoint too: in a branch, where something else may come before it or after it.
    pub(crate) keep_end: bool,
}

/// When a sleep ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SleepEnd {
    /// So long after it is first reached.
    After(std::time::Duration),
    /// At a time the author gave.
    At(Timestamp),
    /// As recorded when it was first reached.
    Recorded(Timestamp),
}

impl Effect {
    pub(super) fn kind(&self) -> CheckpointKind {
        match self {
            Effect::Step { .. } => CheckpointKind::Step,
            Effect::Record(_) | Effect::Now | Effect::Uuid => CheckpointKind::Record,
            Effect::Sleep(_) => CheckpointKind::Sleep,
            Effect::Gate(_) => CheckpointKind::Gate,
            Effect::Signal { .. } => CheckpointKind::Signal,
            Effect::Start(_) | Effect::Child { .. } => CheckpointKind::Child,
        }
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Step { spec, .. } => f.debug_tuple("Step").field(&spec.name).finish(),
            Effect::Record(outcome) => f.debug_tuple("Record").field(outcome).finish(),
            Effect::Now => f.write_str("Now"),
            Effect::Uuid => f.write_str("Uuid"),
            Effect::Sleep(sleep) => f.debug_tuple("Sleep").field(sleep).finish(),
            Effect::Gate(gate) => f.debug_tuple("Gate").field(gate).finish(),
            Effect::Signal { name } => f.debug_tuple("Signal").field(name).finish(),
            Effect::Start(new) => f.debug_tuple("Start").field(&new.id).finish(),
            Effect::Child { run } => f.debug_tuple("Child").field(run).finish(),
        }
    }
}
