//! The ordered events of a run, put together from what the stores keep of it.

use std::time::Duration;

use serde::Serialize;

use super::{
    CheckpointKind, Event, EventKind, Outcome, Position, Run, RunId, RunState, RunningStep,
    Timestamp,
};

/// What a run has left, without its payloads.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The run.
    pub run: Run,
    /// Its operations that ended, by ordinal.
    pub done: Vec<Done>,
    /// Its stored events, by time.
    pub events: Vec<Event>,
}

/// An operation that ended: its checkpoint without the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Where in the run.
    pub position: Position,
    /// What it was.
    pub kind: CheckpointKind,
    /// How many attempts it took.
    pub attempts: u32,
    /// How long the last attempt took.
    pub took: Duration,
    /// How it failed, where it did.
    pub failure: Option<Outcome>,
    /// When it was stored.
    pub at: Timestamp,
}

/// One entry of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineEntry {
    /// When, on the store's clock.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: Happened,
}

/// What happened to a run: events that are stored as such, and what its row and its checkpoints say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happened {
    /// The run was created.
    Submitted {
        /// By whom, where they said so.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// The run that started it.
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: Option<RunId>,
    },
    /// A worker took it for the first time. Later claims are [`EventKind::Claimed`].
    Begun {
        /// Which worker, while no other has taken the run since.
        #[serde(skip_serializing_if = "Option::is_none")]
        worker: Option<String>,
    },
    /// An attempt of a step began. Attempts before the last one are told by their failures alone.
    StepStarted {
        /// Which step.
        position: Position,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// An operation ended with a value.
    Completed {
        /// Where in the run.
        position: Position,
        /// What it was.
        operation: CheckpointKind,
        /// How many attempts it took; 0 where there are none.
        attempts: u32,
        /// How long the last one took, in milliseconds.
        took_ms: u64,
    },
    /// An operation ended with a failure.
    Failed {
        /// Where in the run.
        position: Position,
        /// What it was.
        operation: CheckpointKind,
        /// How many attempts it took; 0 where there are none.
        attempts: u32,
        /// How long the last one took, in milliseconds.
        took_ms: u64,
        /// What it said.
        error: String,
    },
    /// The run ended.
    Finished {
        /// How.
        state: RunState,
        /// Why, where it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// What is stored as an event.
    #[serde(untagged)]
    Event(EventKind),
}

impl Happened {
    /// The word under which it is listed.
    pub fn word(&self) -> &'static str {
        match self {
            Happened::Submitted { .. } => "submitted",
            Happened::Begun { .. } => "begun",
            Happened::StepStarted { .. } => "step_started",
            Happened::Completed { .. } => "completed",
            Happened::Failed { .. } => "failed",
            Happened::Finished { .. } => "finished",
            Happened::Event(event) => event.word(),
        }
    }

    /// Its place among what happened at the same microsecond: one commit may write several entries.
    fn rank(&self) -> u8 {
        match self {
            Happened::Submitted { .. } => 0,
            Happened::Begun { .. } | Happened::Event(EventKind::Claimed { .. }) => 1,
            Happened::StepStarted { .. } => 2,
            Happened::Event(
                EventKind::Parked { .. }
                | EventKind::HandedBack { .. }
                | EventKind::HandedOver { .. }
                | EventKind::Paused,
            ) => 4,
            Happened::Finished { .. } => 5,
            _ => 3,
        }
    }
}

/// What a timeline needs beside the run's own rows.
#[derive(Debug, Clone, Default)]
pub struct Driver<'d> {
    /// Name of the worker that drives the run, or drove it last.
    pub worker: Option<&'d str>,
    /// What it was executing at its last heartbeat, and when that was.
    pub running: Option<(&'d [RunningStep], Timestamp)>,
}

impl History {
    /// Everything that happened, in order. `error` puts a failure into words.
    pub fn timeline(&self, driver: &Driver<'_>) -> Vec<TimelineEntry> {
        let run = &self.run;
        let mut entries = Vec::with_capacity(2 * self.done.len() + self.events.len() + 3);
        let mut add = |at, what| entries.push(TimelineEntry { at, what });
        add(
            run.created_at,
            Happened::Submitted {
                by: run.header.started_by.clone(),
                parent: run.header.parent.as_ref().map(|p| p.run.clone()),
            },
        );
        if let Some(at) = run.started_at {
            let first = driver.worker.filter(|_| run.epoch == 1);
            let worker = first.map(str::to_owned);
            add(at, Happened::Begun { worker });
        }
        for event in &self.events {
            add(event.at, Happened::Event(event.kind.clone()));
        }
        for done in self
            .done
            .iter()
            .filter(|d| d.kind.is_of_an_operation(&d.position))
        {
            if done.attempts > 0 {
                add(self.began(done), started(&done.position, done.attempts));
            }
            add(done.at, ended(done));
        }
        if let (Some((running, at)), RunState::Running) = (driver.running, run.state) {
            for step in running.iter().filter(|step| step.run == run.id) {
                if !self.done.iter().any(|done| done.position == step.position) {
                    let ago = Duration::from_millis(step.for_ms);
                    add(at.before(ago), started(&step.position, step.attempt));
                }
            }
        }
        if let Some(at) = run.finished_at {
            let (state, error) = (run.state, run.error.clone());
            add(at, Happened::Finished { state, error });
        }
        // Equal ones stay in the order of their ordinals.
        entries.sort_by_key(|entry| (entry.at, entry.what.rank()));
        entries
    }

    /// When the last attempt of a step began. It was timed on the worker's clock and stored on the store's, a commit
    /// later: it is not put before the claim under which it ran.
    fn began(&self, done: &Done) -> Timestamp {
        let claims = self.events.iter().filter_map(|event| {
            matches!(event.kind, EventKind::Claimed { .. }).then_some(event.at)
        });
        let claims = claims.chain(self.run.started_at);
        let claim = claims.filter(|at| *at <= done.at).max();
        let began = done.at.before(done.took);
        claim.map_or(began, |claim| began.max(claim))
    }
}

fn started(position: &Position, attempt: u32) -> Happened {
    Happened::StepStarted {
        position: position.clone(),
        attempt,
    }
}

fn ended(done: &Done) -> Happened {
    let (position, operation, attempts) = (done.position.clone(), done.kind, done.attempts);
    let took_ms = u64::try_from(done.took.as_millis()).unwrap_or(u64::MAX);
    match &done.failure {
        None => Happened::Completed {
            position,
            operation,
            attempts,
            took_ms,
        },
        Some(failure) => Happened::Failed {
            position,
            operation,
            attempts,
            took_ms,
            error: failure.error_text(),
        },
    }
}
