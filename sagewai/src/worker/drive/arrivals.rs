//! What has come for the body and has not been given to it yet.
//!
//! The body gets one thing at a time, the oldest first, and goes on as far as it can before the next. The order in which
//! it got them is that of the checkpoints' ordinals, and a replay keeps to it.

use std::collections::BTreeMap;

use super::Drive;
use crate::model::{CheckpointKind, Decision, Json, NewCheckpoint, Outcome, Position, Timestamp};
use crate::worker::operations::LiveSleep;
use crate::workflow::approval::outcome_of;

/// An outcome on its way to the body.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) position: Position,
    pub(super) outcome: Outcome,
    /// What is kept of it; its ordinal is given when the body gets it.
    pub(super) checkpoint: Option<NewCheckpoint>,
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
                return true;
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
            },
        );
    }

    /// A person has decided.
    pub(super) fn decided(
        &mut self,
        position: Position,
        gate: &str,
        site: u16,
        (decision, at): &(Decision, Timestamp),
    ) {
        let outcome = outcome_of(gate, decision);
        self.operations.remove(&position);
        let checkpoint = checkpoint(&position, CheckpointKind::Gate, site, outcome.clone());
        self.arrivals.push(
            *at,
            Arrival {
                position,
                outcome,
                checkpoint: Some(checkpoint),
            },
        );
    }

    /// Takes in what time has brought.
    pub(super) fn pass_time(&mut self) {
        for (position, sleep) in self.operations.pass_time(self.life.clock.now()) {
            self.woke(position, &sleep);
        }
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
