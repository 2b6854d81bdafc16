//! Drives one run from its claim until it ends, sleeps, or is another worker's.
//!
//! The loop: let the body go on as far as it can; write what that needs in one commit; only then begin the steps it
//! asked for; wait for the next thing to happen. So no effect ever rests on something that is not committed.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::attempt::{Attempted, attempt, sized};
use super::life::Life;
use super::operations::{
    Attempts, LiveStep, Operation, Operations, SHORT_WAIT, Stage, attempts_of,
};
use crate::clock::{Backoff, chance};
use crate::error::Fault;
use crate::model::{
    CheckpointKind, Claimed, Commit, Decision, Ending, EventKind, GateRequest, Json, NewCheckpoint,
    NewEvent, Outcome, Park, Position, Run, Then, Verdict, Waiting, retry,
};
use crate::workflow::approval::outcome_of;
use crate::workflow::erased::Returned;
use crate::workflow::execution::{Execution, Progress};
use crate::workflow::replay::{Effect, Identity, Request, SleepEnd};
use crate::workflow::{Definition, StepContext};

/// What the dispatcher tells a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mail {
    /// The run's wake counter, as last seen.
    pub(crate) wakes: i32,
    /// The worker shuts down: give the run back as soon as no step of it is being executed.
    pub(crate) drain: bool,
}

/// How driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The run is over.
    Finished,
    /// It sleeps in the store, or was given back.
    Released,
    /// It is not this worker's any more.
    Fenced,
}

/// Drives a claimed run.
pub(crate) async fn drive(
    life: Arc<Life>,
    definition: Definition,
    claimed: Claimed,
    mail: watch::Receiver<Mail>,
) -> Ended {
    let poisoned = claimed.run.claims > life.setup.max_claims;
    let mut drive = Drive::new(life, definition, claimed, mail);
    if poisoned {
        let workers = u32::try_from(drive.run.claims).unwrap_or(u32::MAX);
        let then = drive.finish(Returned::fault(Fault::Poisoned { workers }));
        return drive.commit(then).await.unwrap_or(Ended::Finished);
    }
    drive.run().await
}

struct Drive {
    life: Arc<Life>,
    run: Run,
    execution: Execution,
    mail: watch::Receiver<Mail>,
    operations: Operations,
    /// Attempts that failed before this claim.
    attempts: HashMap<Position, Attempts>,
    /// Decisions that are known.
    decisions: HashMap<String, Decision>,
    tasks: JoinSet<(Position, Attempted)>,
    aborts: HashMap<Position, AbortHandle>,
    next_ordinal: u32,
    draft: Draft,
}

/// What the next commit will hold.
#[derive(Default)]
struct Draft {
    checkpoints: Vec<NewCheckpoint>,
    events: Vec<NewEvent>,
    gates: Vec<GateRequest>,
}

impl Draft {
    fn is_empty(&self) -> bool {
        self.checkpoints.is_empty() && self.events.is_empty() && self.gates.is_empty()
    }
}

impl Drive {
    fn new(
        life: Arc<Life>,
        definition: Definition,
        claimed: Claimed,
        mail: watch::Receiver<Mail>,
    ) -> Drive {
        let Claimed { run, journal } = claimed;
        let attempts = attempts_of(&journal);
        let decisions = decisions_of(&journal.gates);
        let next_ordinal = journal
            .checkpoints
            .iter()
            .map(|c| c.written.ordinal + 1)
            .max()
            .unwrap_or(1);
        let mut input = Json::null();
        let mut recorded = Vec::with_capacity(journal.checkpoints.len());
        for checkpoint in journal.checkpoints {
            match (checkpoint.written.kind, checkpoint.written.outcome) {
                (CheckpointKind::Input, Outcome::Ok(json)) => input = json,
                (CheckpointKind::Input | CheckpointKind::Output, _) => {}
                (_, outcome) => recorded.push(NewCheckpoint {
                    outcome,
                    ..checkpoint.written
                }),
            }
        }
        let identity = Identity {
            id: run.id.clone(),
            workflow: run.workflow.clone(),
            labels: run.labels.clone(),
        };
        Drive {
            execution: Execution::new(definition.body, identity, &input, recorded),
            life,
            run,
            mail,
            operations: Operations::default(),
            attempts,
            decisions,
            tasks: JoinSet::new(),
            aborts: HashMap::new(),
            next_ordinal,
            draft: Draft::default(),
        }
    }

    async fn run(mut self) -> Ended {
        loop {
            let then = self.advance();
            if then != Then::Continue || !self.draft.is_empty() {
                if let Some(ended) = self.commit(then).await {
                    return ended;
                }
            }
            self.begin_due_steps();
            self.next_input().await;
        }
    }

    /// Lets the body go on until it needs something from outside, and decides how the run goes on.
    fn advance(&mut self) -> Then {
        loop {
            let (progress, abandoned) = self.execution.poll();
            for position in abandoned {
                self.abandon(&position);
            }
            match progress {
                Progress::Returned(returned) => return self.finish(returned),
                Progress::Diverged(reason) => {
                    // Nothing of this replay is written: what it asked for belongs to other code.
                    self.draft = Draft::default();
                    self.operations = Operations::default();
                    return self.park(Waiting::Diverged { reason }, None);
                }
                Progress::Waits(requests) => {
                    let mut goes_on = false;
                    for request in requests {
                        goes_on |= self.take(request);
                    }
                    if !goes_on {
                        return self.rest();
                    }
                }
            }
        }
    }

    /// Takes on what the body asks for. Returns whether it has its answer already.
    fn take(&mut self, request: Request) -> bool {
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

    fn decided(&mut self, position: &Position, gate: &str, site: u16, decision: &Decision) {
        let outcome = outcome_of(gate, decision);
        self.operations.remove(position);
        self.execution.resolve(position, outcome.clone());
        self.checkpoint(position.clone(), CheckpointKind::Gate, site, outcome);
    }

    /// The body waits. Sleeps in the store, unless something is going on or comes soon.
    fn rest(&mut self) -> Then {
        let drain = self.mail.borrow().drain;
        if self.operations.is_busy() {
            let executing = !self.aborts.is_empty();
            if drain && !executing {
                return Then::HandBack;
            }
            return Then::Continue;
        }
        let now = self.life.clock.now();
        let wait = self.operations.next_time().map(|time| now.until(time));
        if !drain && wait.is_some_and(|wait| wait <= SHORT_WAIT) {
            return Then::Continue;
        }
        match self.operations.why() {
            Some(waiting) => self.park(waiting, wait),
            None => Then::Continue,
        }
    }

    fn park(&mut self, waiting: Waiting, wake_after: Option<std::time::Duration>) -> Then {
        self.draft.events.push(NewEvent::new(EventKind::Parked {
            waiting: waiting.clone(),
        }));
        Then::Park(Park {
            waiting,
            wake_after,
            wakes: self.run.wakes,
        })
    }

    fn finish(&mut self, returned: Returned) -> Then {
        // What still runs is of no use to a body that has returned.
        self.tasks.abort_all();
        self.aborts.clear();
        let returned = sized(returned);
        let ending = match returned.error {
            None => Ending::Completed,
            Some(error) => Ending::Failed { error },
        };
        self.checkpoint(
            Position::OUTPUT.into(),
            CheckpointKind::Output,
            0,
            returned.outcome,
        );
        Then::Finish(ending)
    }

    fn checkpoint(
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

    fn keep(&mut self, checkpoint: NewCheckpoint) {
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        self.draft.checkpoints.push(NewCheckpoint {
            ordinal,
            ..checkpoint
        });
    }

    /// Writes the draft. Returns how driving ended, if it did.
    async fn commit(&mut self, then: Then) -> Option<Ended> {
        let draft = std::mem::take(&mut self.draft);
        let ended = match &then {
            Then::Continue => None,
            Then::Finish(_) => Some(Ended::Finished),
            Then::Park(_) | Then::HandBack => Some(Ended::Released),
        };
        let commit = Commit {
            run: self.run.key(),
            epoch: self.run.epoch,
            worker: self.life.key,
            checkpoints: draft.checkpoints,
            events: draft.events,
            gates: draft.gates,
            then,
        };
        match self.life.commit(&self.run, commit).await {
            Ok(Verdict::Committed) => {
                if let Some(ended) = ended {
                    tracing::debug!(run = %self.run.id, workflow = %self.run.workflow, ?ended, "run left its worker");
                }
                ended
            }
            Ok(Verdict::Awake) => {
                self.look().await;
                None
            }
            Ok(Verdict::Fenced) => {
                tracing::info!(run = %self.run.id, epoch = self.run.epoch, "run is another worker's by now");
                Some(Ended::Fenced)
            }
            Err(error) => {
                // Nothing of the run can be written, so nothing more of it is executed. Its lease passes with this
                // worker's, or a person looks at the log.
                tracing::error!(run = %self.run.id, %error, "run is given up: its commit is refused");
                Some(Ended::Fenced)
            }
        }
    }

    /// Reads the messages that have arrived.
    async fn look(&mut self) {
        let store = &self.life.setup.store;
        let mut backoff = Backoff::new();
        loop {
            // First the counter, then the messages: one that comes between is seen twice, not never.
            let found = async {
                let run = store.run(&self.run.id).await?;
                let journal = store.journal(&self.run.id).await?;
                Ok::<_, crate::store::StoreError>(run.zip(journal))
            };
            match found.await {
                Ok(found) => {
                    if let Some((run, journal)) = found {
                        self.run.wakes = run.wakes;
                        self.decisions = decisions_of(&journal.gates);
                    }
                    break;
                }
                Err(error) => {
                    tracing::warn!(run = %self.run.id, %error, "messages not read yet");
                    backoff.pause().await;
                }
            }
        }
        for (position, name, site) in self.operations.gates() {
            if let Some(decision) = self.decisions.get(&name).cloned() {
                self.decided(&position, &name, site, &decision);
            }
        }
    }

    fn begin_due_steps(&mut self) {
        if self.mail.borrow().drain {
            return;
        }
        for position in self.operations.due_steps() {
            let Some(step) = self.operations.step_mut(&position) else {
                continue;
            };
            step.stage = Stage::Running;
            let context = StepContext::new(
                self.run.id.clone(),
                self.run.workflow.clone(),
                position.clone(),
                step.attempt,
            );
            let attempt = attempt(
                context,
                step.spec.name,
                step.spec.timeout,
                step.input.clone(),
                step.body,
            );
            let (life, run, number) = (self.life.clone(), self.run.id.clone(), step.attempt);
            let at = position.clone();
            tracing::debug!(run = %run, step = %position, attempt = number, "step begins");
            let task = self.tasks.spawn(async move {
                let noted = life.executing(&run, &at, number);
                let attempted = attempt.await;
                drop(noted);
                (at, attempted)
            });
            self.aborts.insert(position, task);
        }
    }

    /// Waits until something happens, and takes in all that has.
    async fn next_input(&mut self) {
        let now = self.life.clock.now();
        let time = self.operations.next_time().map(|time| now.until(time));
        let timer = async {
            match time {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => self.joined(ended),
            () = timer => {}
            changed = self.mail.changed() => {
                let wakes = self.mail.borrow_and_update().wakes;
                if changed.is_err() {
                    // The dispatcher is gone and aborts this task next.
                    std::future::pending::<()>().await;
                }
                if wakes > self.run.wakes {
                    self.look().await;
                }
            }
        }
        while let Some(ended) = self.tasks.try_join_next() {
            self.joined(ended);
        }
        for position in self.operations.pass_time(self.life.clock.now()) {
            self.operations.remove(&position);
            self.execution.resolve(&position, Outcome::Ok(Json::null()));
        }
    }

    fn joined(&mut self, ended: Result<(Position, Attempted), tokio::task::JoinError>) {
        // A task that was aborted has been taken out of the books already; panics are caught inside.
        let Ok((position, attempted)) = ended else {
            return;
        };
        if self.aborts.remove(&position).is_none() {
            return;
        }
        let Some(step) = self.operations.step_mut(&position) else {
            return;
        };
        let Attempted { returned, took } = attempted;
        let number = step.attempt;
        if let Some(error) = &returned.error {
            let goes_on = !returned.terminal && number <= step.spec.retries;
            let next_at = goes_on.then(|| {
                let pause =
                    retry::pause(step.spec.retry_delay, step.spec.backoff, number, chance());
                self.life.clock.now().after(pause)
            });
            self.draft
                .events
                .push(NewEvent::new(EventKind::AttemptFailed {
                    position: position.clone(),
                    attempt: number,
                    error: error.clone(),
                    next_at,
                }));
            tracing::info!(run = %self.run.id, step = %position, attempt = number, %error, retried = goes_on, "attempt failed");
            if let Some(at) = next_at {
                step.attempt += 1;
                step.stage = Stage::Delayed {
                    at,
                    error: error.clone(),
                };
                return;
            }
        }
        let checkpoint = NewCheckpoint {
            position: position.clone(),
            ordinal: 0,
            kind: CheckpointKind::Step,
            site: step.site,
            input_digest: step.input_digest,
            attempts: number,
            took,
            outcome: returned.outcome.clone(),
        };
        self.operations.remove(&position);
        self.execution.resolve(&position, returned.outcome);
        self.keep(checkpoint);
    }

    fn abandon(&mut self, position: &Position) {
        self.operations.remove(position);
        if let Some(task) = self.aborts.remove(position) {
            task.abort();
        }
    }
}

fn decisions_of(gates: &[crate::model::Gate]) -> HashMap<String, Decision> {
    let decided = gates.iter().filter_map(|gate| {
        let (decision, _) = gate.decision.as_ref()?;
        Some((gate.name.clone(), decision.clone()))
    });
    decided.collect()
}
