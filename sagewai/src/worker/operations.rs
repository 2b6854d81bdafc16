//! What a driven run waits for.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{EventKind, Journal, Json, Position, Timestamp, Waiting};
use crate::workflow::StepSpec;
use crate::workflow::erased::StepBody;

/// A step on its way.
#[derive(Debug)]
pub(crate) struct LiveStep {
    pub(crate) spec: StepSpec,
    pub(crate) input: Json,
    pub(crate) body: StepBody,
    pub(crate) site: u16,
    pub(crate) input_digest: i64,
    /// The attempt that runs, or comes next; from 1.
    pub(crate) attempt: u32,
    pub(crate) stage: Stage,
}

/// Where a step stands between attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its attempt begins after the next commit.
    Due,
    /// Its attempt runs.
    Running,
    /// Its next attempt begins at a time, after the last one said this.
    Delayed { at: Timestamp, error: String },
}

/// One operation that the body waits for.
#[derive(Debug)]
pub(crate) enum Operation {
    Step(Box<LiveStep>),
    Sleep(LiveSleep),
    Gate { name: String, site: u16 },
}

/// A sleep that is not over.
#[derive(Debug, Clone)]
pub(crate) struct LiveSleep {
    /// Where it stands; its end is kept beside it.
    pub(crate) position: Position,
    pub(crate) site: u16,
    pub(crate) until: Timestamp,
    /// Whether its end is a checkpoint.
    pub(crate) keep_end: bool,
}

/// All of them, by position.
#[derive(Debug, Default)]
pub(crate) struct Operations(HashMap<Position, Operation>);

impl Operations {
    pub(crate) fn insert(&mut self, position: Position, operation: Operation) {
        self.0.insert(position, operation);
    }

    pub(crate) fn remove(&mut self, position: &Position) -> Option<Operation> {
        self.0.remove(position)
    }

    pub(crate) fn step_mut(&mut self, position: &Position) -> Option<&mut LiveStep> {
        match self.0.get_mut(position) {
            Some(Operation::Step(step)) => Some(step),
            _ => None,
        }
    }

    /// Whether a step runs or is about to.
    pub(crate) fn is_busy(&self) -> bool {
        self.0.values().any(|operation| {
            matches!(operation, Operation::Step(step)
                if matches!(step.stage, Stage::Due | Stage::Running))
        })
    }

    /// Steps whose attempt begins now, in the order of their positions.
    pub(crate) fn due_steps(&self) -> Vec<Position> {
        let mut due: Vec<Position> = self
            .0
            .iter()
            .filter(
                |(_, operation)| matches!(operation, Operation::Step(s) if s.stage == Stage::Due),
            )
            .map(|(position, _)| position.clone())
            .collect();
        due.sort_unstable();
        due
    }

    /// Gates that wait for a decision: position, name, await.
    pub(crate) fn gates(&self) -> Vec<(Position, String, u16)> {
        let gates = self.0.iter().filter_map(|(position, operation)| {
            let Operation::Gate { name, site } = operation else {
                return None;
            };
            Some((position.clone(), name.clone(), *site))
        });
        gates.collect()
    }

    /// The next time at which something goes on by itself.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        self.0.values().filter_map(Operation::time).min()
    }

    /// Makes steps due whose pause is over, and takes out the sleeps that have ended.
    pub(crate) fn pass_time(&mut self, now: Timestamp) -> Vec<(Position, LiveSleep)> {
        let mut ended = Vec::new();
        for (position, operation) in &mut self.0 {
            match operation {
                Operation::Sleep(sleep) if sleep.until <= now => {
                    ended.push((position.clone(), sleep.clone()));
                }
                Operation::Step(step) => {
                    if matches!(step.stage, Stage::Delayed { at, .. } if at <= now) {
                        step.stage = Stage::Due;
                    }
                }
                _ => {}
            }
        }
        for (position, _) in &ended {
            self.0.remove(position);
        }
        ended.sort_unstable_by(|a, b| (a.1.until, &a.0).cmp(&(b.1.until, &b.0)));
        ended
    }

    /// Why the run waits: a person before a time, and the nearest time.
    pub(crate) fn why(&self) -> Option<Waiting> {
        if let Some((_, gate, _)) = self.gates().into_iter().min() {
            return Some(Waiting::Gate { gate });
        }
        let (position, operation) = self
            .0
            .iter()
            .filter_map(|(position, operation)| Some((operation.time()?, position, operation)))
            .min_by_key(|(time, position, _)| (*time, *position))
            .map(|(_, position, operation)| (position, operation))?;
        let position = position.clone();
        Some(match operation {
            Operation::Sleep(sleep) => Waiting::Timer {
                position: sleep.position.clone(),
                until: sleep.until,
            },
            Operation::Step(step) => match &step.stage {
                Stage::Delayed { at, error } => Waiting::Retry {
                    position,
                    attempt: step.attempt,
                    at: *at,
                    error: error.clone(),
                },
                Stage::Due | Stage::Running => return None,
            },
            Operation::Gate { .. } => return None,
        })
    }
}

impl Operation {
    fn time(&self) -> Option<Timestamp> {
        match self {
            Operation::Sleep(sleep) => Some(sleep.until),
            Operation::Step(step) => match step.stage {
                Stage::Delayed { at, .. } => Some(at),
                Stage::Due | Stage::Running => None,
            },
            Operation::Gate { .. } => None,
        }
    }
}

/// How far the attempts of a step had come when its run was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// How many have failed.
    pub(crate) failed: u32,
    /// When the next one begins.
    pub(crate) next_at: Option<Timestamp>,
    /// What the last one said.
    pub(crate) error: String,
}

/// The failed attempts of each step, since a person last made the run go on.
pub(crate) fn attempts_of(journal: &Journal) -> HashMap<Position, Attempts> {
    let mut attempts = HashMap::new();
    for event in &journal.events {
        match &event.kind {
            EventKind::Retried { .. } => attempts.clear(),
            EventKind::AttemptFailed {
                position,
                attempt,
                error,
                next_at,
            } => {
                let held = Attempts {
                    failed: *attempt,
                    next_at: *next_at,
                    error: error.clone(),
                };
                attempts.insert(position.clone(), held);
            }
            _ => {}
        }
    }
    attempts
}

/// A wait shorter than this is spent in memory; for a longer one the run goes to sleep in the store.
pub(crate) const SHORT_WAIT: Duration = Duration::from_secs(5);
