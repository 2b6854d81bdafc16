//! Workers as the store knows them.

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
}

/// Which runs a worker may serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serves {
    /// The workflows it has registered that have no limits.
    pub workflows: Vec<String>,
    /// Those that have.
    pub limited: Vec<Limited>,
    /// Its pool.
    pub pool: String,
    /// Its labels.
    pub labels: Labels,
}

impl Serves {
    /// All workflows that it has registered.
    pub fn names(&self) -> Vec<String> {
        let limited = self.limited.iter().map(|limited| limited.workflow.clone());
        self.workflows.iter().cloned().chain(limited).collect()
    }
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
