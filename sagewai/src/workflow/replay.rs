//! The memory of a run while its body is polled: what is recorded, what the body waits for, what it asks for.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::erased::StepBody;
use super::scope::Site;
use super::spec::StepSpec;
use crate::model::{
    CheckpointKind, GateRequest, Json, Labels, NewCheckpoint, Outcome, Position, RunId, Timestamp,
};

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
        input: Json,
        body: StepBody,
    },
    /// Keep a value that the body computed.
    Record(Outcome),
    /// Tell the time.
    Now,
    /// Draw a UUID.
    Uuid,
    /// Wait until a time, or for a length of time from now; a sleep that is recorded already has its end.
    Sleep(SleepEnd),
    /// Ask a person.
    Gate(GateRequest),
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
    fn kind(&self) -> CheckpointKind {
        match self {
            Effect::Step { .. } => CheckpointKind::Step,
            Effect::Record(_) | Effect::Now | Effect::Uuid => CheckpointKind::Record,
            Effect::Sleep(_) => CheckpointKind::Sleep,
            Effect::Gate(_) => CheckpointKind::Gate,
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
            Effect::Sleep(end) => f.debug_tuple("Sleep").field(end).finish(),
            Effect::Gate(gate) => f.debug_tuple("Gate").field(gate).finish(),
        }
    }
}

/// Who the run is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) id: RunId,
    pub(crate) workflow: String,
    pub(crate) labels: Labels,
}

/// What a body and its driver share.
pub(crate) struct Replay {
    pub(crate) identity: Identity,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Checkpoints that the body has not asked for yet.
    recorded: HashMap<Position, NewCheckpoint>,
    /// Operations that the body waits for.
    waiting: HashMap<Position, Slot>,
    /// Asked for since the driver last looked.
    requests: Vec<Request>,
    /// Operations that were dropped before they ended.
    abandoned: Vec<Position>,
    /// The last position that the body reached.
    last: Option<Position>,
    /// Where code and checkpoints do not fit.
    diverged: Option<String>,
}

#[derive(Default)]
struct Slot {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
}

/// What the driver finds after a poll.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) requests: Vec<Request>,
    pub(crate) abandoned: Vec<Position>,
    pub(crate) diverged: Option<String>,
    pub(crate) last: Option<Position>,
    /// How many operations the body waits for, the requests among them.
    pub(crate) waits_for: usize,
}

impl Replay {
    pub(crate) fn new(
        identity: Identity,
        recorded: impl IntoIterator<Item = NewCheckpoint>,
    ) -> Replay {
        let recorded = recorded
            .into_iter()
            .map(|c| (c.position.clone(), c))
            .collect();
        Replay {
            identity,
            state: Mutex::new(State {
                recorded,
                ..State::default()
            }),
        }
    }

    /// Gives the body what it waits for.
    pub(crate) fn resolve(&self, position: &Position, outcome: Outcome) {
        let waker = self.state().waiting.get_mut(position).and_then(|slot| {
            slot.outcome = Some(outcome);
            slot.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What the body has asked for since the last time.
    pub(crate) fn take_asked(&self) -> Asked {
        let mut state = self.state();
        Asked {
            requests: std::mem::take(&mut state.requests),
            abandoned: std::mem::take(&mut state.abandoned),
            diverged: state.diverged.clone(),
            last: state.last.clone(),
            waits_for: state.waiting.len(),
        }
    }

    /// A checkpoint that the body has not asked for, the first in the run's order.
    pub(crate) fn first_unasked(&self) -> Option<Position> {
        let state = self.state();
        let first = state.recorded.values().min_by_key(|c| c.ordinal)?;
        Some(first.position.clone())
    }

    /// Asks for an operation at the next position of `name`: gives what is recorded there, or waits until the
    /// driver has it.
    pub(crate) async fn operation(
        self: &Arc<Replay>,
        at: &Site,
        name: &str,
        input_digest: i64,
        effect: Effect,
    ) -> Outcome {
        self.operation_at(at, at.position(name), input_digest, effect)
            .await
    }

    /// The same, at a position that is taken already.
    pub(crate) async fn operation_at(
        self: &Arc<Replay>,
        at: &Site,
        position: Position,
        input_digest: i64,
        effect: Effect,
    ) -> Outcome {
        match self.recall(&position, effect.kind(), input_digest) {
            Recall::Recorded(outcome) => return outcome,
            Recall::Diverged => std::future::pending().await,
            Recall::Nothing => {}
        }
        self.ask(Request {
            position: position.clone(),
            site: at.site,
            input_digest,
            effect,
        });
        self.wait(&position).await
    }

    /// Looks for a checkpoint at a position, and takes it.
    pub(crate) fn recall(
        &self,
        position: &Position,
        kind: CheckpointKind,
        input_digest: i64,
    ) -> Recall {
        let mut state = self.state();
        state.last = Some(position.clone());
        let Some(found) = state.recorded.remove(position) else {
            return Recall::Nothing;
        };
        let differs = if found.kind != kind {
            Some(format!(
                "the run holds a {} at `{position}`, and the code asks for a {} there",
                found.kind.as_str(),
                kind.as_str()
            ))
        } else if found.input_digest != input_digest {
            Some(format!(
                "the {} at `{position}` was run with other arguments than the code gives it now",
                kind.as_str()
            ))
        } else {
            None
        };
        match differs {
            Some(reason) => {
                state.diverged.get_or_insert(reason);
                Recall::Diverged
            }
            None => Recall::Recorded(found.outcome),
        }
    }

    /// Hands the driver a request.
    pub(crate) fn ask(&self, request: Request) {
        let mut state = self.state();
        state
            .waiting
            .insert(request.position.clone(), Slot::default());
        state.requests.push(request);
    }

    /// Waits for an operation that was asked for. Dropped before its end, it tells the driver.
    pub(crate) async fn wait(self: &Arc<Replay>, position: &Position) -> Outcome {
        let mut guard = Waits {
            replay: self,
            position,
            ended: false,
        };
        let outcome = poll_fn(|cx| {
            let mut state = self.state();
            let Some(slot) = state.waiting.get_mut(position) else {
                return Poll::Pending;
            };
            if let Some(outcome) = slot.outcome.take() {
                state.waiting.remove(position);
                Poll::Ready(outcome)
            } else {
                slot.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await;
        guard.ended = true;
        outcome
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A body that panicked is not polled again, and its driver only reads what is left.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("run", &self.identity.id)
            .finish_non_exhaustive()
    }
}

/// What stands at a position.
#[derive(Debug)]
pub(crate) enum Recall {
    /// This outcome.
    Recorded(Outcome),
    /// A checkpoint of something else.
    Diverged,
    /// No checkpoint.
    Nothing,
}

/// Tells the driver when nobody waits for an operation any more.
struct Waits<'a> {
    replay: &'a Replay,
    position: &'a Position,
    ended: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let mut state = self.replay.state();
            state.waiting.remove(self.position);
            state.abandoned.push(self.position.clone());
        }
    }
}
