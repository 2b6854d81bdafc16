//! What comes for a driven run from outside: decisions, messages, the ends of runs that it started, and word that it is
//! to pause.

use std::collections::HashMap;

use super::Drive;
use super::arrivals::{Arrival, checkpoint};
use crate::clock::Backoff;
use crate::error::Fault;
use crate::model::{
    Act, Cause, CheckpointKind, Child, Decision, EventKind, Gate, GateRequest, Messages,
    NewCheckpoint, NewEvent, OnParentEnd, Outcome, Position, RunId, Signal, Timestamp,
};
use crate::store::StoreResult;
use crate::worker::operations::{LiveGate, Operation, Reminder};
use crate::workflow::approval::outcome_of;

/// What has come, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) gates: HashMap<String, Gate>,
    /// Messages that the run has not taken, in order.
    signals: Vec<Signal>,
    children: HashMap<RunId, Child>,
    /// Whether it was read since the claim, which brings the gates alone.
    read: bool,
    /// Whether it must be read before the run may sleep.
    unread: bool,
    /// How many times people were reminded of each gate.
    pub(super) reminded: HashMap<String, u32>,
    /// Gates whose deadline has passed, as far as this worker knows.
    pub(super) overdue: Vec<String>,
}

impl Inbox {
    pub(super) fn new(gates: Vec<Gate>, reminded: HashMap<String, u32>) -> Inbox {
        Inbox {
            gates: gates
                .into_iter()
                .map(|gate| (gate.name.clone(), gate))
                .collect(),
            reminded,
            ..Inbox::default()
        }
    }

    /// Whether the store is to be asked before the run may sleep.
    pub(super) fn is_unread(&self) -> bool {
        self.unread || !self.overdue.is_empty()
    }

    fn take(&mut self, signal: &str) -> Option<Signal> {
        let index = self.signals.iter().position(|kept| kept.name == signal)?;
        Some(self.signals.remove(index))
    }
}

impl Drive {
    /// The body waits for a person.
    pub(super) fn gate(&mut self, position: &Position, site: u16, mut request: GateRequest) {
        let now = self.life.clock.now();
        let known = self.inbox.gates.get(&request.name);
        let asked = known.filter(|gate| gate.asked_at.is_some());
        if let Some(gate) = asked {
            // What was asked first counts.
            request.rules = gate.rules.clone();
        }
        let asked_at = asked.and_then(|gate| gate.asked_at).unwrap_or(now);
        let deadline = request.rules.deadline.map(|limit| asked_at.after(limit));
        let reminder = request.rules.remind_every.map(|every| {
            let before = self.inbox.reminded.get(&request.name).copied();
            let times = before.unwrap_or(0) + 1;
            let at = asked_at.after(every.saturating_mul(times));
            Reminder { at, every, times }
        });
        if asked.is_none() {
            self.draft.gates.push(request.clone());
        }
        let gate = LiveGate {
            request,
            site,
            deadline_at: deadline,
            reminder,
        };
        self.operations
            .insert(position.clone(), Operation::Gate(Box::new(gate)));
        self.answer(position);
    }

    /// The body waits for a message.
    pub(super) fn signal(&mut self, position: &Position, name: String, site: u16) {
        self.operations
            .insert(position.clone(), Operation::Signal { name, site });
        self.answer(position);
        self.must_read(position);
    }

    /// The body waits for a run that it started.
    pub(super) fn child(&mut self, position: &Position, run: RunId, site: u16, digest: i64) {
        self.operations
            .insert(position.clone(), Operation::Child { run, site, digest });
        self.answer(position);
        self.must_read(position);
    }

    /// What came before the claim is not known yet. What comes after it raises the counter.
    fn must_read(&mut self, position: &Position) {
        let may_be_there = self.run.epoch > 1 || self.run.wakes > 0;
        let is_answered = self.operations.get(position).is_none();
        self.inbox.unread |= may_be_there && !is_answered && !self.inbox.read;
    }

    /// Lets the store close the gates whose deadline has passed, and reads what has come.
    pub(super) async fn hear(&mut self) {
        for gate in std::mem::take(&mut self.inbox.overdue) {
            let (run, act) = (&self.run.id, Act::CloseGate { gate });
            let store = &self.life.setup.store;
            // Where it is not overdue on the store's clock, or somebody was faster, it is read all the same.
            until_answered(run, "a gate is not closed yet", || store.act(run, &act)).await;
        }
        self.look().await;
    }

    /// Reads the messages that have arrived.
    pub(super) async fn look(&mut self) {
        let (run, store) = (&self.run.id, &self.life.setup.store);
        let found = until_answered(run, "messages not read yet", || store.messages(run)).await;
        self.inbox.unread = false;
        self.inbox.read = true;
        let Some(messages) = found else {
            return;
        };
        let Messages {
            run,
            gates,
            signals,
            children,
        } = messages;
        self.run.wakes = run.wakes;
        self.run.pausing = run.pausing;
        let gates = gates.into_iter().map(|gate| (gate.name.clone(), gate));
        self.inbox.gates = gates.collect();
        self.inbox.signals = signals;
        // What was taken is not gone before its commit.
        let (taken, waiting) = (&self.draft.beyond.taken, &self.arrivals);
        self.inbox
            .signals
            .retain(|signal| !taken.contains(&signal.id) && !waiting.holds(&signal.id));
        let children = children.into_iter().map(|child| (child.run.clone(), child));
        self.inbox.children = children.collect();
        for position in self.operations.waits() {
            self.answer(&position);
        }
    }

    /// Whether it is to end with the run that started it, and that one is over: it was started in the last moment, and
    /// is ended now.
    pub(super) async fn is_orphan(&mut self) -> bool {
        let Some(parent) = self.run.header.parent.clone() else {
            return false;
        };
        if self.run.epoch > 1 || parent.on_end == OnParentEnd::Abandon {
            return false;
        }
        let (run, store) = (&self.run.id, &self.life.setup.store);
        let found = until_answered(run, "parent not read yet", || store.run(&parent.run)).await;
        if found.is_some_and(|parent| !parent.state.is_finished()) {
            return false;
        }
        let act = Act::End(Cause::Parent);
        until_answered(run, "orphan not ended yet", || store.act(run, &act)).await;
        true
    }

    /// Runs that this one started and that are not over.
    pub(super) async fn unended_children(&mut self) -> Vec<crate::model::RunKey> {
        let (run, store) = (&self.run.id, &self.life.setup.store);
        let found = until_answered(run, "children not read yet", || store.messages(run)).await;
        let children = found.map(|messages| messages.children).unwrap_or_default();
        let unended = children.iter().filter(|child| !child.state.is_finished());
        unended.map(|child| child.run.key()).collect()
    }

    /// Takes in what has come for one operation, if anything has.
    fn answer(&mut self, position: &Position) {
        match self.operations.get(position) {
            Some(Operation::Gate(_)) => self.answer_gate(position),
            Some(Operation::Signal { name, site }) => {
                let site = *site;
                if let Some(signal) = self.inbox.take(name) {
                    self.signalled(position.clone(), site, signal);
                }
            }
            Some(Operation::Child { run, site, digest }) => {
                let (site, digest) = (*site, *digest);
                let ended = self.inbox.children.get(run).and_then(end_of);
                if let Some((at, outcome)) = ended {
                    let new = NewCheckpoint {
                        input_digest: digest,
                        ..checkpoint(position, CheckpointKind::Child, site, outcome)
                    };
                    self.arrived(at, new);
                }
            }
            _ => {}
        }
    }

    fn answer_gate(&mut self, position: &Position) {
        let Some(Operation::Gate(live)) = self.operations.get(position) else {
            return;
        };
        let request = &live.request;
        let Some(known) = self.inbox.gates.get(&request.name) else {
            return;
        };
        if let Some((decision, at)) = known.decision.clone() {
            return self.decided(position, &decision, at);
        }
        // Votes that came before the question count from now on.
        let starter = self.run.header.started_by.as_deref();
        let digest = request.digest();
        let Some(decision) = request.rules.tally(&known.votes, &digest, starter) else {
            return;
        };
        let request = GateRequest {
            decision: Some(decision.clone()),
            ..request.clone()
        };
        let event = EventKind::Decided {
            gate: request.name.clone(),
            approved: decision.approved,
            by: decision.by.clone(),
            reason: decision.reason.clone(),
        };
        self.draft.events.push(NewEvent::new(event));
        self.draft.gates.retain(|asked| asked.name != request.name);
        self.draft.gates.push(request);
        let at = self.life.clock.now();
        self.decided(position, &decision, at);
    }

    /// People have decided.
    fn decided(&mut self, position: &Position, decision: &Decision, at: Timestamp) {
        let Some(Operation::Gate(live)) = self.operations.remove(position) else {
            return;
        };
        let outcome = outcome_of(&live.request.name, &live.request.rules, decision);
        self.arrived(
            at,
            checkpoint(position, CheckpointKind::Gate, live.site, outcome),
        );
    }

    fn signalled(&mut self, position: Position, site: u16, signal: Signal) {
        self.operations.remove(&position);
        let outcome = Outcome::Ok(signal.payload.clone());
        let kept = checkpoint(&position, CheckpointKind::Signal, site, outcome.clone());
        self.arrivals.push(
            signal.at,
            Arrival {
                position,
                outcome,
                checkpoint: Some(kept),
                takes: Some(signal),
            },
        );
    }

    /// An operation has ended.
    pub(super) fn arrived(&mut self, at: Timestamp, checkpoint: NewCheckpoint) {
        self.operations.remove(&checkpoint.position);
        self.arrivals.push(
            at,
            Arrival {
                position: checkpoint.position.clone(),
                outcome: checkpoint.outcome.clone(),
                checkpoint: Some(checkpoint),
                takes: None,
            },
        );
    }

    /// A message that its branch does not want any more: the next one to ask gets it.
    pub(super) fn put_back(&mut self, signal: Signal) {
        self.inbox.signals.push(signal);
        self.inbox.signals.sort_by_key(|signal| signal.at);
        for position in self.operations.waits() {
            self.answer(&position);
        }
    }
}

/// Asks the store until it answers.
async fn until_answered<T, F>(run: &RunId, what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = StoreResult<T>>,
{
    let mut backoff = Backoff::new();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => {
                tracing::warn!(%run, %error, "{what}");
                backoff.pause().await;
            }
        }
    }
}

/// When and how a child ended, as its parent gets it; none while it has not.
fn end_of(child: &Child) -> Option<(Timestamp, Outcome)> {
    let at = child.finished_at?;
    let outcome = match child.outcome.clone()? {
        Outcome::Fault(Fault::Cancelled { by, reason }) => Outcome::Fault(Fault::ChildCancelled {
            run: child.run.to_string(),
            by,
            reason,
        }),
        outcome => outcome,
    };
    Some((at, outcome))
}
