//! What has come for the body and has not been given to it yet.
//!
//! The body gets one thing at a time, the oldest first, and goes on as far as it can before the next. The order in which
//! it got them is that of the checkpoints' ordinals, and a replay keeps to it.

use std::collections::BTreeMap;

use super::Drive;
use crate::model::{
    CheckpointKind, EventKind, Json, NewCheckpoint, NewEvent, Outcome, Position, Signal, Timestamp,
};
use crate::worker::operations::LiveSleep;
use crate::worker::reminder::Reminded;

/// An outcome on its way to the body.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) position: Position,
    pub(super) outcome: Outcome,
    /// What is kept of it; its ordinal is given when the body gets it.
    pub(super) checkpoint: Option<NewCheckpoint>,
    /// The message that it takes, where it is one.
    pub(super) takes: Option<Signal>,
}

/// Arrivals by the time at which they came.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    waiting: BTreeMap<(Timestamp, u64), Arrival>,
    count: u64,
}

impl Arrivals {
    pub(super) fn push(&mut self, at: Timestamp, arrival: Arrival) {
        self.count += 1;
        self.waiting.insert((at, self.count), arrival);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether one of them takes the message of this id.
    pub(super) fn holds(&self, signal: &str) -> bool {
        let takes = |arrival: &Arrival| arrival.takes.as_ref().is_some_and(|s| s.id == signal);
        self.waiting.values().any(takes)
    }

    fn pop(&mut self) -> Option<Arrival> {
        self.waiting.pop_first().map(|(_, arrival)| arrival)
    }
}

impl Drive {
    /// Gives the body the next thing that has come for it, if there is one.
    pub(super) fn deliver(&mut self) -> bool {
        while let Some(arrival) = self.arrivals.pop() {
            // A branch that has lost its race in the meantime does not want it any more.
            if self.execution.resolve(&arrival.position, arrival.outcome) {
                if let Some(checkpoint) = arrival.checkpoint {
                    self.keep(checkpoint);
                }
                if let Some(signal) = arrival.takes {
                    self.draft.beyond.taken.push(signal.id);
                }
                return true;
            }
            if let Some(signal) = arrival.takes {
                self.put_back(signal);
            }
        }
        false
    }

    /// A value that is there as soon as it is asked for.
    pub(super) fn recorded(&mut self, position: Position, site: u16, outcome: Outcome) {
        let checkpoint = checkpoint(&position, CheckpointKind::Record, site, outcome.clone());
        // Before everything that has a time: it has taken none.
        let at = Timestamp::from_micros(i64::MIN);
        self.arrivals.push(
            at,
            Arrival {
                position,
                outcome,
                checkpoint: Some(checkpoint),
                takes: None,
            },
        );
    }

    /// Takes in what time has brought.
    pub(super) fn pass_time(&mut self) {
        let passed = self.operations.pass_time(self.life.clock.now());
        for (position, sleep) in passed.sleeps {
            self.woke(position, &sleep);
        }
        self.inbox.overdue.extend(passed.overdue);
        for (gate, times) in passed.reminders {
            self.remind(gate, times);
        }
    }

    /// Nobody has decided yet. Whoever listens hears of it before it is counted: twice rather than never.
    fn remind(&mut self, gate: String, times: u32) {
        self.life.setup.on_reminder.tell(&Reminded {
            run: self.run.id.clone(),
            workflow: self.run.workflow.clone(),
            gate: gate.clone(),
            times,
        });
        let event = EventKind::Reminded { gate, times };
        self.draft.events.push(NewEvent::new(event));
    }

    fn woke(&mut self, position: Position, sleep: &LiveSleep) {
        let outcome = Outcome::Ok(Json::null());
        let checkpoint = sleep.keep_end.then(|| {
            checkpoint(
                &position,
                CheckpointKind::Sleep,
                sleep.site,
                outcome.clone(),
            )
        });
        self.arrivals.push(
            sleep.until,
            Arrival {
                position,
                outcome,
                checkpoint,
                takes: None,
            },
        );
    }
}

/// A checkpoint of something that has neither input nor attempts.
pub(super) fn checkpoint(
    position: &Position,
    kind: CheckpointKind,
    site: u16,
    outcome: Outcome,
) -> NewCheckpoint {
    NewCheckpoint {
        position: position.clone(),
        ordinal: 0,
        kind,
        site,
        input_digest: 0,
        attempts: 0,
        took: std::time::Duration::ZERO,
        outcome,
    }
}
