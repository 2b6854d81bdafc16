//! What a driven run waits for.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{
    EventKind, GateRequest, Journal, Json, NewRun, Position, QueueName, RunId, Timestamp, Waiting,
};
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
    /// The queue whose workers may execute it, where this one may not.
    pub(crate) elsewhere: Option<Box<QueueName>>,
}

impl LiveStep {
    /// Whether its attempt begins here, after the next commit.
    fn is_due_here(&self) -> bool {
        self.stage == Stage::Due && self.elsewhere.is_none()
    }
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
    Gate(Box<LiveGate>),
    Signal { name: String, site: u16 },
    Start(Box<LiveStart>),
    Child { run: RunId, site: u16, digest: i64 },
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

/// A gate that is not decided.
#[derive(Debug)]
pub(crate) struct LiveGate {
    pub(crate) request: GateRequest,
    pub(crate) site: u16,
    /// When it is to be closed; after a try that came too early, when to try again.
    pub(crate) deadline_at: Option<Timestamp>,
    pub(crate) reminder: Option<Reminder>,
}

/// The next reminder of a gate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reminder {
    pub(crate) at: Timestamp,
    pub(crate) every: Duration,
    /// Which one it is, from 1.
    pub(crate) times: u32,
}

/// A run that is being started.
#[derive(Debug)]
pub(crate) struct LiveStart {
    pub(crate) new: NewRun,
    pub(crate) site: u16,
    pub(crate) digest: i64,
    /// Whether it was handed to the store.
    pub(crate) begun: bool,
}

/// What time has brought.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// Sleeps that are over, in order.
    pub(crate) sleeps: Vec<(Position, LiveSleep)>,
    /// Gates whose deadline has passed.
    pub(crate) overdue: Vec<String>,
    /// Gates of which people are to be reminded, and how many times they then were.
    pub(crate) reminders: Vec<(String, u32)>,
}

/// How soon a gate is tried again that the store did not find overdue yet.
const DEADLINE_AGAIN: Duration = Duration::from_millis(50);

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

    /// Whether something is executed here or is about to be.
    pub(crate) fn is_busy(&self) -> bool {
        self.0.values().any(|operation| match operation {
            Operation::Step(step) => step.stage == Stage::Running || step.is_due_here(),
            Operation::Start(_) => true,
            _ => false,
        })
    }

    /// Steps whose attempt begins now, in the order of their positions.
    pub(crate) fn due_steps(&self) -> Vec<Position> {
        self.sorted(|operation| matches!(operation, Operation::Step(s) if s.is_due_here()))
    }

    /// The first step, by its position, whose attempt is to begin on another worker, and the queue of those.
    pub(crate) fn due_elsewhere(&self) -> Option<(&Position, &QueueName)> {
        let elsewhere = self
            .0
            .iter()
            .filter_map(|(position, operation)| match operation {
                Operation::Step(step) if step.stage == Stage::Due => {
                    Some((position, step.elsewhere.as_deref()?))
                }
                _ => None,
            });
        elsewhere.min_by_key(|(position, _)| *position)
    }

    /// Runs that are to be started, in the order of their positions.
    pub(crate) fn due_starts(&mut self) -> Vec<(Position, NewRun)> {
        let due = self.sorted(|operation| matches!(operation, Operation::Start(s) if !s.begun));
        let begin = |position: Position| match self.0.get_mut(&position) {
            Some(Operation::Start(start)) => {
                start.begun = true;
                Some((position, start.new.clone()))
            }
            _ => None,
        };
        due.into_iter().filter_map(begin).collect()
    }

    /// Positions of gates, signals and children that are waited for, in order.
    pub(crate) fn waits(&self) -> Vec<Position> {
        self.sorted(|operation| {
            matches!(
                operation,
                Operation::Gate(_) | Operation::Signal { .. } | Operation::Child { .. }
            )
        })
    }

    pub(crate) fn get(&self, position: &Position) -> Option<&Operation> {
        self.0.get(position)
    }

    fn sorted(&self, wanted: impl Fn(&Operation) -> bool) -> Vec<Position> {
        let found = self.0.iter().filter(|(_, operation)| wanted(operation));
        let mut positions: Vec<Position> = found.map(|(position, _)| position.clone()).collect();
        positions.sort_unstable();
        positions
    }

    /// The next time at which something goes on by itself.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        self.0.values().filter_map(Operation::time).min()
    }

    /// Makes steps due whose pause is over, and tells what else time has brought. Sleeps that are over are taken out.
    pub(crate) fn pass_time(&mut self, now: Timestamp) -> Passed {
        let mut passed = Passed::default();
        for (position, operation) in &mut self.0 {
            match operation {
                Operation::Sleep(sleep) if sleep.until <= now => {
                    passed.sleeps.push((position.clone(), sleep.clone()));
                }
                Operation::Step(step) => {
                    if matches!(step.stage, Stage::Delayed { at, .. } if at <= now) {
                        step.stage = Stage::Due;
                    }
                }
                Operation::Gate(gate) => gate.pass_time(now, &mut passed),
                _ => {}
            }
        }
        for (position, _) in &passed.sleeps {
            self.0.remove(position);
        }
        passed
            .sleeps
            .sort_unstable_by(|a, b| (a.1.until, &a.0).cmp(&(b.1.until, &b.0)));
        passed
    }

    /// Why the run waits: a person before a message, these before another run and before a time, and the nearest time.
    pub(crate) fn why(&self) -> Option<Waiting> {
        let waits = self.waits();
        let first = |wanted: fn(&Operation) -> Option<Waiting>| {
            waits
                .iter()
                .find_map(|position| wanted(self.0.get(position)?))
        };
        first(|operation| match operation {
            Operation::Gate(gate) => Some(Waiting::Gate {
                gate: gate.request.name.clone(),
            }),
            _ => None,
        })
        .or_else(|| {
            first(|operation| match operation {
                Operation::Signal { name, .. } => Some(Waiting::Signal {
                    signal: name.clone(),
                }),
                _ => None,
            })
        })
        .or_else(|| {
            first(|operation| match operation {
                Operation::Child { run, .. } => Some(Waiting::Child { run: run.clone() }),
                _ => None,
            })
        })
        .or_else(|| self.nearest_time())
    }

    fn nearest_time(&self) -> Option<Waiting> {
        let (_, position, operation) = self
            .0
            .iter()
            .filter_map(|(position, operation)| Some((operation.time()?, position, operation)))
            .min_by_key(|(time, position, _)| (*time, *position))?;
        match operation {
            Operation::Sleep(sleep) => Some(Waiting::Timer {
                position: sleep.position.clone(),
                until: sleep.until,
            }),
            Operation::Step(step) => match &step.stage {
                Stage::Delayed { at, error } => Some(Waiting::Retry {
                    position: position.clone(),
                    attempt: step.attempt,
                    at: *at,
                    error: error.clone(),
                }),
                Stage::Due | Stage::Running => None,
            },
            _ => None,
        }
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
            Operation::Gate(gate) => {
                let reminder = gate.reminder.map(|reminder| reminder.at);
                gate.deadline_at.into_iter().chain(reminder).min()
            }
            _ => None,
        }
    }
}

impl LiveGate {
    fn pass_time(&mut self, now: Timestamp, passed: &mut Passed) {
        if let Some(reminder) = &mut self.reminder
            && reminder.at <= now
        {
            passed
                .reminders
                .push((self.request.name.clone(), reminder.times));
            // What was missed while nobody looked is one reminder.
            while reminder.at <= now {
                reminder.at = reminder.at.after(reminder.every);
            }
            reminder.times += 1;
        }
        if self.deadline_at.is_some_and(|deadline| deadline <= now) {
            passed.overdue.push(self.request.name.clone());
            self.deadline_at = Some(now.after(DEADLINE_AGAIN));
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

/// How many times people were reminded of each gate.
pub(crate) fn reminders_of(journal: &Journal) -> HashMap<String, u32> {
    let mut reminders = HashMap::new();
    for event in &journal.events {
        if let EventKind::Reminded { gate, times } = &event.kind {
            reminders.insert(gate.clone(), *times);
        }
    }
    reminders
}
