//! The memory of a run while its body is polled: what is recorded, what the body waits for, what it asks for.

mod divergence;
mod recorded;
mod request;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use self::recorded::Recorded;
use super::graph::Graph;
use super::scope::Site;
use crate::error::Fault;
use crate::model::{CheckpointKind, Labels, NewCheckpoint, Outcome, Position, RunId};

pub(crate) use self::divergence::Stopped;
use self::recorded::Recall;
pub(crate) use self::request::{Effect, Request, SleepEnd, SleepRequest};

/// Who the run is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) id: RunId,
    pub(crate) workflow: String,
    pub(crate) pool: String,
    pub(crate) labels: Labels,
    /// Who started it, where that is known.
    pub(crate) started_by: Option<String>,
}

/// Where the code stands that is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) module: &'static str,
    pub(crate) graph: &'static Graph,
}

/// What a body and its driver share.
pub(crate) struct Replay {
    pub(crate) identity: Identity,
    source: Source,
    /// How often something durable said that it waits; see [`Watch`](super::watch::Watch).
    waits: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    recorded: Recorded,
    /// Operations that the body waits for.
    waiting: HashMap<Position, Waiter>,
    /// Asked for since the driver last looked.
    requests: Vec<Request>,
    /// Operations that were dropped before they ended.
    abandoned: Vec<Position>,
    /// Names of gates that the body has asked at.
    gates: HashSet<String>,
    /// Where code and checkpoints do not fit.
    diverged: Option<String>,
    /// The body waits for something that is not durable.
    foreign: Option<Fault>,
}

/// One operation that the body waits for.
struct Waiter {
    site: Site,
    outcome: Option<Outcome>,
}

/// What an operation gave.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) outcome: Outcome,
    /// Where it was recorded, when it comes from there.
    pub(crate) replayed: Option<Position>,
}

/// What the driver finds after a poll.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) abandoned: Vec<Position>,
    pub(crate) diverged: Option<String>,
    pub(crate) foreign: Option<Fault>,
}

impl Replay {
    pub(crate) fn new(
        identity: Identity,
        source: Source,
        recorded: impl IntoIterator<Item = NewCheckpoint>,
    ) -> Replay {
        Replay {
            identity,
            source,
            waits: AtomicU64::new(0),
            state: Mutex::new(State {
                recorded: Recorded::new(recorded),
                ..State::default()
            }),
        }
    }

    /// Gives the body what it waits for; says whether it does.
    pub(crate) fn resolve(&self, position: &Position, outcome: Outcome) -> bool {
        let mut state = self.state();
        let Some(waiter) = state.waiting.get_mut(position) else {
            return false;
        };
        waiter.outcome = Some(outcome);
        waiter.site.scope.call();
        true
    }

    /// Gives the body the next outcome that is recorded; says whether it waits for it.
    pub(crate) fn resolve_next(&self) -> bool {
        let mut state = self.state();
        if state.diverged.is_some() || state.foreign.is_some() {
            return false;
        }
        let State {
            recorded, waiting, ..
        } = &mut *state;
        let Some(waiter) = recorded.next().and_then(|c| waiting.get_mut(&c.position)) else {
            return false;
        };
        waiter.outcome = recorded.take_next();
        waiter.site.scope.call();
        true
    }

    /// What else there is to see after a poll.
    pub(crate) fn look(&self) -> Found {
        let mut state = self.state();
        Found {
            abandoned: std::mem::take(&mut state.abandoned),
            diverged: state.diverged.clone(),
            foreign: state.foreign.clone(),
        }
    }

    /// What the body has asked for since the last time, and still wants.
    pub(crate) fn take_requests(&self) -> Vec<Request> {
        let mut state = self.state();
        let mut requests = std::mem::take(&mut state.requests);
        requests.retain(|request| state.waiting.contains_key(&request.position));
        requests
    }

    /// Asks for an operation at the next position of `name`: gives what is recorded there, or waits until the
    /// driver has it.
    pub(crate) async fn operation(
        self: &Arc<Replay>,
        at: &Site,
        name: &str,
        input_digest: i64,
        effect: Effect,
    ) -> Came {
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
    ) -> Came {
        let is_recorded = self
            .is_recorded(at, &position, effect.kind(), input_digest)
            .await;
        if !is_recorded {
            self.ask(Request {
                position: position.clone(),
                site: at.site,
                input_digest,
                effect,
            });
        }
        let replayed = is_recorded.then(|| position.clone());
        let outcome = self.wait(at, position).await;
        Came { outcome, replayed }
    }

    /// Whether this operation is recorded at this position. Does not return where another one is.
    pub(crate) async fn is_recorded(
        &self,
        at: &Site,
        position: &Position,
        kind: CheckpointKind,
        input_digest: i64,
    ) -> bool {
        let found = self.state().recorded.recall(position, kind, input_digest);
        match found {
            Recall::Recorded => true,
            Recall::Nothing => false,
            Recall::Differs(how) => {
                self.diverge(at, &how).await;
                false
            }
        }
    }

    /// What the beginning of a sleep says, where one is recorded.
    pub(crate) fn beginning(&self, position: &Position) -> Option<Outcome> {
        self.state().recorded.beginning(position)
    }

    /// Whether something was recorded after what stands at this position.
    pub(crate) fn has_later(&self, position: &Position) -> bool {
        self.state().recorded.has_later(position)
    }

    /// The code does not fit what is recorded. Never returns: the driver ends the body.
    pub(crate) async fn diverge(&self, at: &Site, reason: &str) {
        let line = self.line_of(at.site);
        self.state()
            .diverged
            .get_or_insert_with(|| format!("{reason}{line}"));
        std::future::pending::<()>().await;
    }

    /// What is recorded does not describe the type that the code expects.
    pub(super) async fn unreadable(&self, at: &Site, position: &Position, fault: &Fault) {
        let reason = format!("what the run holds at `{position}` {fault}");
        self.diverge(at, &reason).await;
    }

    /// The body waits for something that is not durable.
    pub(crate) fn found_foreign(&self, fault: Fault) {
        self.state().foreign.get_or_insert(fault);
    }

    /// The name of the gate at a position: as the author wrote it, and the whole position where another branch has
    /// asked under that name already.
    pub(crate) fn gate_name(&self, position: &Position, written: String) -> String {
        let mut state = self.state();
        if state.gates.insert(written.clone()) {
            return written;
        }
        let whole = position.as_str().replacen("approval:", "", 1);
        state.gates.insert(whole.clone());
        whole
    }

    /// Hands the driver a request.
    fn ask(&self, request: Request) {
        self.state().requests.push(request);
    }

    /// Waits for an operation. Dropped before its end, it tells the driver.
    async fn wait(self: &Arc<Replay>, at: &Site, position: Position) -> Outcome {
        let waiter = Waiter {
            site: at.clone(),
            outcome: None,
        };
        self.state().waiting.insert(position.clone(), waiter);
        let mut guard = Waits {
            replay: self,
            position,
            ended: false,
        };
        let outcome = poll_fn(|_| {
            let mut state = self.state();
            let waiter = state.waiting.get_mut(&guard.position);
            if let Some(outcome) = waiter.and_then(|waiter| waiter.outcome.take()) {
                state.waiting.remove(&guard.position);
                Poll::Ready(outcome)
            } else {
                self.count_wait();
                Poll::Pending
            }
        })
        .await;
        guard.ended = true;
        outcome
    }

    /// Something durable waits.
    pub(crate) fn count_wait(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
    }

    /// How often something durable has waited so far.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
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

/// Tells the driver when nobody waits for an operation any more.
struct Waits<'a> {
    replay: &'a Replay,
    position: Position,
    ended: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let mut state = self.replay.state();
            // Taken out first and dropped last: its scope holds the replay.
            let _waiter = state.waiting.remove(&self.position);
            state.abandoned.push(self.position.clone());
        }
    }
}
