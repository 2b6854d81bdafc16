//! Workers as the store knows them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Labels, Limited, Position, RunId, Timestamp, WorkerKey};

/// A worker that registers.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWorker {
    /// This life of it.
    pub key: WorkerKey,
    /// Its name, for people.
    pub name: String,
    /// Whether the name is its own: no two living workers have one name that they call their own.
    pub exclusive: bool,
    /// The pool it belongs to.
    pub pool: String,
    /// What it offers.
    pub labels: Labels,
    /// How many runs it drives at once.
    pub slots: u32,
    /// How long its lease lasts from each heartbeat.
    pub lease: Duration,
    /// The machine on which another process can prove its death; see `worker::proof`.
    pub host: String,
    /// The program that it is a part of.
    pub program: Program,
}

/// The program that a worker is a part of, for people and for those who ask what it can serve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its version, where it says so.
    pub version: Option<String>,
    /// Name of the machine.
    pub host: String,
    /// Number of the process there.
    pub pid: u32,
    /// The workflows that it serves.
    pub workflows: Vec<ServedWorkflow>,
}

/// A workflow in one version, as a worker serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServedWorkflow {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
}

impl From<&str> for ServedWorkflow {
    /// The first version of it.
    fn from(name: &str) -> ServedWorkflow {
        ServedWorkflow {
            name: name.to_owned(),
            version: 1,
        }
    }
}

/// `article-pipeline v2`
impl fmt::Display for ServedWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq)]
pub enum Registered {
    /// It is registered, and its lease has begun.
    Done,
    /// A worker that is not gone calls the name its own; nothing is written.
    NameHeld(Box<WorkerRecord>),
}

/// What people want of a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// It works.
    #[default]
    Run,
    /// It takes no more runs, and goes on with those that it has.
    Pause,
    /// It takes no more runs, ends the steps that it executes, gives its runs back, and ends.
    Drain,
}

impl Wish {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Wish::Run => "run",
            Wish::Pause => "pause",
            Wish::Drain => "drain",
        }
    }

    /// Reads the word in the table.
    pub fn from_word(word: &str) -> Option<Wish> {
        [Wish::Run, Wish::Pause, Wish::Drain]
            .into_iter()
            .find(|wish| wish.as_str() == word)
    }
}

/// A worker as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerRecord {
    /// What it registered with.
    pub registered: NewWorker,
    /// When it registered.
    pub started_at: Timestamp,
    /// Its last heartbeat.
    pub seen_at: Timestamp,
    /// Until when its runs are its own.
    pub lease_until: Timestamp,
    /// When it was found dead, or signed off.
    pub gone_at: Option<Timestamp>,
    /// Whether it signed off itself.
    pub signed_off: bool,
    /// What people want of it.
    pub wish: Wish,
    /// The steps it was executing at its last heartbeat.
    pub running: Vec<RunningStep>,
}

/// A step that is being executed, as of the worker's last heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningStep {
    /// The run.
    pub run: RunId,
    /// Which step.
    pub position: Position,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// For how long, in milliseconds.
    pub for_ms: u64,
}

/// What a heartbeat found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Extended.
    Kept,
    /// This worker was found dead, and its runs may be another's: it must drop them and register anew.
    Lost,
}

/// What a beat found: a heartbeat and a look at the clock at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// What became of the lease.
    pub lease: Lease,
    /// What was due.
    pub tick: Tick,
    /// What the store's clock says.
    pub now: Timestamp,
    /// Whether this worker may find something to claim. False only where it was looked for and is not there.
    pub work: bool,
    /// What people want of this worker.
    pub wish: Wish,
}

/// Which runs a worker may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serves {
    /// The workflows it has registered that have no limits.
    pub workflows: Vec<ServedWorkflow>,
    /// Those that have.
    pub limited: Vec<Limited>,
    /// Its pool.
    pub pool: String,
    /// Its labels.
    pub labels: Labels,
}

impl Serves {
    /// All workflows that it has registered.
    pub fn all(&self) -> Vec<ServedWorkflow> {
        let limited = self.limited.iter().map(Limited::served);
        self.workflows.iter().cloned().chain(limited).collect()
    }

    /// Whether it may serve runs of this queue, limits aside.
    pub fn fits(&self, queue: &QueueName) -> bool {
        let workflows = &mut self.workflows.iter();
        workflows.any(|w| w.name == queue.workflow && w.version == queue.version)
            && self.pool == queue.pool
            && self.labels.contain(&queue.labels)
    }
}

/// What a queued run asks of the worker that takes it; runs that ask for the same are one queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueName {
    /// Its workflow.
    pub workflow: String,
    /// The version of its workflow.
    pub version: u32,
    /// The pool whose workers may serve it.
    pub pool: String,
    /// Labels that its worker must have.
    pub labels: Labels,
}

/// What a look at the clock found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tick {
    /// Runs that became claimable because their time had come.
    pub woken: u64,
    /// Workers whose lease had passed.
    pub buried: u64,
    /// How long until the next run's time comes.
    pub next_due: Option<Duration>,
    /// How long until the next schedule must be looked at; nothing where one is due.
    pub schedule_due: Option<Duration>,
}
