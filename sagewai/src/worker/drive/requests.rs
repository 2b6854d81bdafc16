//! What a body asks for, turned into operations and into what the next commit will hold.

use super::Drive;
use crate::model::{
    CheckpointKind, Decision, GateRequest, Json, NewCheckpoint, NewEvent, Outcome, Position,
};
use crate::worker::attempt::sized;
use crate::worker::operations::{Attempts, LiveStep, Operation, Stage};
use crate::workflow::approval::outcome_of;
use crate::workflow::erased::Returned;
use crate::workflow::replay::{Effect, Request, SleepEnd};

/// What the next commit will hold.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) checkpoints: Vec<NewCheckpoint>,
    pub(super) events: Vec<NewEvent>,
    pub(super) gates: Vec<GateRequest>,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.checkpoints.is_empty() && self.events.is_empty() && self.gates.is_empty()
    }
}

impl Drive {
    /// Takes on what the body asks for. Returns whether it has its answer already.
    pub(super) fn take(&mut self, request: Request) -> bool {
        let Request {
            position,
            site,
            input_digest,
            effect,
        } = request;
        let now = self.life.clock.now();
        match effect {
            Effect::Record(outcome) => self.recorded(position, site, outcome),
            Effect::Now => {
                let value = Json::encode(&now.to_system());
                self.recorded(
                    position,
                    site,
                    value.map_or_else(Outcome::Fault, Outcome::Ok),
                )
            }
            Effect::Uuid => {
                let value = Json::encode(&uuid::Uuid::now_v7().to_string());
                self.recorded(
                    position,
                    site,
                    value.map_or_else(Outcome::Fault, Outcome::Ok),
                )
            }
            Effect::Sleep(end) => self.sleep(position, site, end),
            Effect::Gate(gate) => self.gate(position, site, gate),
            Effect::Step { spec, input, body } => {
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
                };
                self.operations
                    .insert(position, Operation::Step(Box::new(step)));
                false
            }
        }
    }

    fn recorded(&mut self, position: Position, site: u16, outcome: Outcome) -> bool {
        let outcome = sized(Returned {
            outcome,
            error: None,
            terminal: true,
        })
        .outcome;
        self.execution.resolve(&position, outcome.clone());
        self.checkpoint(position, CheckpointKind::Record, site, outcome);
        true
    }

    fn sleep(&mut self, position: Position, site: u16, end: SleepEnd) -> bool {
        let now = self.life.clock.now();
        let until = match end {
            SleepEnd::Recorded(until) | SleepEnd::At(until) => until,
            SleepEnd::After(length) => now.after(length),
        };
        if !matches!(end, SleepEnd::Recorded(_)) {
            let value = Json::encode(&until.as_micros());
            let outcome = value.map_or_else(Outcome::Fault, Outcome::Ok);
            self.checkpoint(position.clone(), CheckpointKind::Sleep, site, outcome);
        }
        if until <= now {
            self.execution.resolve(&position, Outcome::Ok(Json::null()));
            return true;
        }
        self.operations.insert(position, Operation::Sleep { until });
        false
    }

    fn gate(&mut self, position: Position, site: u16, gate: GateRequest) -> bool {
        let name = gate.name.clone();
        // Asked in any case, so that an early decision is seen with what it was about.
        self.draft.gates.push(gate);
        if let Some(decision) = self.decisions.get(&name).cloned() {
            self.decided(&position, &name, site, &decision);
            return true;
        }
        self.operations
            .insert(position, Operation::Gate { name, site });
        false
    }

    pub(super) fn decided(
        &mut self,
        position: &Position,
        gate: &str,
        site: u16,
        decision: &Decision,
    ) {
        let outcome = outcome_of(gate, decision);
        self.operations.remove(position);
        self.execution.resolve(position, outcome.clone());
        self.checkpoint(position.clone(), CheckpointKind::Gate, site, outcome);
    }

    pub(super) fn checkpoint(
        &mut self,
        position: Position,
        kind: CheckpointKind,
        site: u16,
        outcome: Outcome,
    ) {
        self.keep(NewCheckpoint {
            position,
            ordinal: 0,
            kind,
            site,
            input_digest: 0,
            attempts: 0,
            took: std::time::Duration::ZERO,
            outcome,
        });
    }

    pub(super) fn keep(&mut self, checkpoint: NewCheckpoint) {
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        self.draft.checkpoints.push(NewCheckpoint {
            ordinal,
            ..checkpoint
        });
    }
}
