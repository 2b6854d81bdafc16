//! What a body asks for, turned into operations and into what the next commit will hold.

use super::Drive;
use super::arrivals::checkpoint;
use crate::model::{
    Beyond, CheckpointKind, GateRequest, Json, NewCheckpoint, NewEvent, Outcome, Position,
    Timestamp,
};
use crate::worker::attempt::sized;
use crate::worker::operations::{Attempts, LiveSleep, LiveStart, LiveStep, Operation, Stage};
use crate::workflow::asks::Asks;
use crate::workflow::erased::Returned;
use crate::workflow::replay::{Effect, Request, SleepEnd, SleepRequest};

/// What the next commit will hold.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) checkpoints: Vec<NewCheckpoint>,
    pub(super) events: Vec<NewEvent>,
    pub(super) gates: Vec<GateRequest>,
    pub(super) beyond: Beyond,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.checkpoints.is_empty()
            && self.events.is_empty()
            && self.gates.is_empty()
            && self.beyond.is_empty()
    }
}

impl Drive {
    /// Takes on what the body asks for.
    pub(super) fn take(&mut self, request: Request) {
        let Request {
            position,
            site,
            input_digest,
            effect,
        } = request;
        let now = self.life.clock.now();
        match effect {
            Effect::Record(outcome) => {
                let outcome = sized(Returned {
                    outcome,
                    error: None,
                    terminal: true,
                    retry_after: None,
                })
                .outcome;
                self.recorded(position, site, outcome);
            }
            Effect::Now => {
                let value = Json::encode(&now.to_system());
                let outcome = value.map_or_else(Outcome::Fault, Outcome::Ok);
                self.recorded(position, site, outcome);
            }
            Effect::Uuid => {
                let value = Json::encode(&uuid::Uuid::now_v7().to_string());
                let outcome = value.map_or_else(Outcome::Fault, Outcome::Ok);
                self.recorded(position, site, outcome);
            }
            Effect::Sleep(sleep) => self.sleep(position, site, sleep, now),
            Effect::Gate(gate) => self.gate(&position, site, *gate),
            Effect::Signal { name } => self.signal(&position, name, site),
            Effect::Start(new) => {
                let start = LiveStart {
                    new: *new,
                    site,
                    digest: input_digest,
                    begun: false,
                };
                self.has_children = true;
                self.operations
                    .insert(position, Operation::Start(Box::new(start)));
            }
            Effect::Child { run } => self.child(&position, run, site, input_digest),
            Effect::Step {
                spec,
                asks,
                input,
                body,
            } => {
                let asks = asks.map_or_else(|| Asks::of(spec.pool, spec.labels), |asks| *asks);
                let place = (!asks.is_empty()).then(|| asks.place(self.run.home()));
                let elsewhere = place.filter(|place| !self.life.setup.takes(place));
                let before = self.attempts.remove(&position);
                let attempt = before.as_ref().map_or(1, |b| b.failed + 1);
                let stage = match before {
                    Some(Attempts {
                        next_at: Some(at),
                        error,
                        ..
                    }) if at > now => Stage::Delayed { at, error },
                    _ => Stage::Due,
                };
                let step = LiveStep {
                    spec,
                    input,
                    body,
                    site,
                    input_digest,
                    attempt,
                    stage,
                    elsewhere: elsewhere.map(Box::new),
                };
                self.operations
                    .insert(position, Operation::Step(Box::new(step)));
            }
        }
    }

    fn sleep(&mut self, woke: Position, site: u16, sleep: SleepRequest, now: Timestamp) {
        let SleepRequest {
            position,
            end,
            keep_end,
        } = sleep;
        let until = match end {
            SleepEnd::Recorded(until) | SleepEnd::At(until) => until,
            SleepEnd::After(length) => now.after(length),
        };
        if !matches!(end, SleepEnd::Recorded(_)) {
            let value = Json::encode(&until.as_micros());
            let outcome = value.map_or_else(Outcome::Fault, Outcome::Ok);
            self.keep(checkpoint(&position, CheckpointKind::Sleep, site, outcome));
        }
        let live = LiveSleep {
            position,
            site,
            until,
            keep_end,
        };
        self.operations.insert(woke, Operation::Sleep(live));
    }

    /// Puts a checkpoint at the end of the run's order.
    pub(super) fn keep(&mut self, checkpoint: NewCheckpoint) {
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        self.draft.checkpoints.push(NewCheckpoint {
            ordinal,
            ..checkpoint
        });
    }
}
