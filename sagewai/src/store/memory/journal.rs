//! Starts and commits.

use async_trait::async_trait;

use super::InMemoryStore;
use super::tables::{Assignment, RunRows, Tables};
use crate::model::{
    Admission, Cause, Checkpoint, Commit, Ending, Found, Gate, GateRequest, Journal as RunJournal,
    NewRun, Outcome, Park, Position, Run, RunId, RunKey, RunState, StartRules, Started, Then,
    Timestamp, Verdict, input_checkpoint, judge,
};
use crate::store::{Journal, StoreError, StoreResult, size};

#[async_trait]
impl Journal for InMemoryStore {
    async fn start(&self, new: NewRun) -> StoreResult<Started> {
        size::check_start(&new)?;
        let started = create(&mut self.lock(), &new);
        if started == Started::Created {
            self.hints.tell_work();
        }
        Ok(started)
    }

    async fn admit(&self, run: NewRun, rules: &StartRules) -> StoreResult<Admission> {
        InMemoryStore::admit(self, run, rules)
    }

    async fn commit(&self, commit: Commit) -> StoreResult<Verdict> {
        size::check_commit(&commit)?;
        let verdict = {
            let mut tables = self.lock();
            let now = tables.clock.now();
            match judge(&commit, &found(&tables, &commit)) {
                Some(verdict) => return Ok(verdict),
                None if !tables.holds_lease(commit.worker, now) => return Ok(Verdict::Fenced),
                None => apply(&mut tables, &commit, now)?,
            }
        };
        match (&commit.then, verdict) {
            (Then::Finish(_), _) | (Then::Pause { .. }, Verdict::Committed) => {
                self.hints.tell_run(commit.run);
            }
            (Then::Park(_), Verdict::Committed) => {
                self.hints.tell_run(commit.run);
                // Its time may come before that of any other: whoever watches the clock looks again.
                self.hints.tell_work();
            }
            (Then::HandBack | Then::HandOver(_), _) => self.hints.tell_work(),
            _ => {}
        }
        if commit.beyond.frees && !matches!(commit.then, Then::Continue) {
            self.hints.tell_work();
        }
        if !commit.beyond.ends.is_empty() || commit.beyond.parent.is_some() {
            self.hints.tell_due();
        }
        Ok(verdict)
    }

    async fn journal(&self, run: &RunId) -> StoreResult<Option<RunJournal>> {
        Ok(self.lock().runs.get(&run.key()).map(RunRows::journal))
    }

    async fn output(&self, run: &RunId) -> StoreResult<Option<Outcome>> {
        let tables = self.lock();
        let rows = tables.runs.get(&run.key());
        Ok(rows.and_then(|rows| rows.output().cloned()))
    }
}

/// Creates a run, or says what the one that is there means.
pub(super) fn create(tables: &mut Tables, new: &NewRun) -> Started {
    let key = new.id.key();
    if let Some(rows) = tables.runs.get(&key) {
        return attach(rows, new);
    }
    let now = tables.clock.now();
    tables.runs.insert(key, rows_of(new, now));
    let due_at = new.due_at(now).unwrap_or(now);
    tables.enqueue(key, due_at, now);
    if let Some(assigned) = &new.assigned {
        let assignment = Assignment {
            run: Some(key),
            expires_at: due_at,
        };
        let place = (assigned.worker, assigned.id);
        tables.assignments.insert(place, assignment);
    }
    for (limit, cause) in new.header.limits() {
        tables.endings.insert((now.after(limit), key, cause));
    }
    Started::Created
}

/// The rows of a run that begins.
fn rows_of(new: &NewRun, now: Timestamp) -> RunRows {
    let mut rows = RunRows::new(Run {
        id: new.id.clone(),
        workflow: new.workflow.clone(),
        version: new.version,
        pool: new.pool.clone(),
        labels: new.labels.clone(),
        state: RunState::Pending,
        epoch: 0,
        worker: None,
        claims: 0,
        wakes: 0,
        priority: new.priority,
        fingerprint: new.fingerprint,
        concurrency_key: new.concurrency_key.clone(),
        header: new.header.clone(),
        pausing: false,
        waiting: None,
        due_at: None,
        error: None,
        created_at: now,
        started_at: None,
        finished_at: None,
    });
    let written = input_checkpoint(&new.input);
    let position = written.position.clone();
    rows.checkpoints
        .insert(position, (Checkpoint { written, at: now }, 0));
    rows
}

/// What a start means where a run of this id exists.
pub(super) fn attach(rows: &RunRows, new: &NewRun) -> Started {
    let same_workflow = rows.run.workflow == new.workflow;
    let input = rows.checkpoints.get(&Position::from(Position::INPUT));
    let same_input =
        input.is_some_and(|(c, _)| c.written.outcome == Outcome::Ok(new.input.clone()));
    if same_workflow && same_input {
        Started::Attached
    } else {
        Started::Conflict {
            workflow: rows.run.workflow.clone(),
            same_workflow,
        }
    }
}

/// What is there of a commit.
fn found(tables: &Tables, commit: &Commit) -> Found {
    let Some(rows) = tables.runs.get(&commit.run) else {
        // A run that is not there is nobody's.
        return Found {
            state: RunState::Cancelled,
            epoch: -1,
            worker: None,
            wakes: 0,
            positions: Vec::new(),
            events: Vec::new(),
        };
    };
    let written = rows.checkpoints.iter();
    Found {
        state: rows.run.state,
        epoch: rows.run.epoch,
        worker: rows.run.worker,
        wakes: rows.run.wakes,
        positions: written
            .filter(|(_, (_, epoch))| *epoch == commit.epoch)
            .map(|(position, _)| position.clone())
            .collect(),
        events: rows.events.iter().map(|e| e.id).collect(),
    }
}

/// Writes a commit that the fence lets through.
fn apply(tables: &mut Tables, commit: &Commit, now: Timestamp) -> StoreResult<Verdict> {
    let Some(rows) = tables.runs.get_mut(&commit.run) else {
        return Ok(Verdict::Fenced);
    };
    for new in &commit.checkpoints {
        if rows.checkpoints.contains_key(&new.position) {
            return Err(StoreError::Refused {
                store: "memory:".to_owned(),
                reason: format!(
                    "run `{}` has a checkpoint at `{}` already",
                    rows.run.id, new.position
                ),
                source: None,
            });
        }
    }
    for written in commit.checkpoints.iter().cloned() {
        let position = written.position.clone();
        let checkpoint = Checkpoint { written, at: now };
        rows.checkpoints
            .insert(position, (checkpoint, commit.epoch));
    }
    for event in &commit.events {
        rows.record(event.clone(), now);
    }
    for gate in &commit.gates {
        ask(rows, gate, now);
    }
    for name in &commit.beyond.withdrawn {
        if let Some(gate) = rows.gates.get_mut(name).filter(|gate| gate.is_open()) {
            gate.withdrawn_at = Some(now);
        }
    }
    let taken = &commit.beyond.taken;
    rows.signals.retain(|_, signal| !taken.contains(&signal.id));
    for child in &commit.beyond.ends {
        tables.endings.insert((now, *child, Cause::Parent));
    }
    if let Some(parent) = commit.beyond.parent {
        tables.timers.insert((now, parent));
    }
    Ok(match &commit.then {
        Then::Continue => Verdict::Committed,
        Then::Park(park) => self::park(tables, commit.run, park, now),
        Then::Pause { wakes } => pause(tables, commit.run, *wakes),
        Then::Finish(ending) => {
            finish(tables, commit.run, ending, now);
            Verdict::Committed
        }
        Then::HandBack => {
            tables.enqueue(commit.run, now, now);
            Verdict::Committed
        }
        Then::HandOver(queue) => {
            rows.away = Some(queue.clone());
            tables.enqueue(commit.run, now, now);
            Verdict::Committed
        }
    })
}

/// Puts a question; votes that came before it stay.
fn ask(rows: &mut RunRows, request: &GateRequest, now: Timestamp) {
    let gate = rows
        .gates
        .entry(request.name.clone())
        .or_insert_with(|| Gate::new(rows.run.id.clone(), &request.name));
    if gate.asked_at.is_none() {
        gate.prompt.clone_from(&request.prompt);
        gate.context.clone_from(&request.context);
        gate.rules.clone_from(&request.rules);
        gate.digest = request.digest();
        gate.deadline_at = request.rules.deadline.map(|limit| now.after(limit));
        gate.asked_at = Some(now);
    }
    if gate.decision.is_none() {
        gate.decision = request.decision.clone().map(|decision| (decision, now));
    }
}

/// Lets a run sleep, unless a message has arrived that its worker has not seen.
fn park(tables: &mut Tables, key: RunKey, park: &Park, now: Timestamp) -> Verdict {
    let Some(rows) = tables.runs.get_mut(&key) else {
        return Verdict::Fenced;
    };
    if rows.run.wakes != park.wakes {
        return Verdict::Awake;
    }
    rows.away = None;
    rows.run.state = RunState::Waiting;
    rows.run.waiting = Some(park.waiting.clone());
    if let Some(wait) = park.wake_after {
        let due = now.after(wait);
        rows.run.due_at = Some(due);
        tables.timers.insert((due, key));
    }
    Verdict::Committed
}

/// Stops a run, unless a message has arrived that its worker has not seen.
fn pause(tables: &mut Tables, key: RunKey, wakes: i32) -> Verdict {
    let Some(rows) = tables.runs.get_mut(&key) else {
        return Verdict::Fenced;
    };
    if rows.run.wakes != wakes {
        return Verdict::Awake;
    }
    rows.away = None;
    rows.run.state = RunState::Paused;
    rows.run.pausing = false;
    Verdict::Committed
}

fn finish(tables: &mut Tables, key: RunKey, ending: &Ending, now: Timestamp) {
    let Some(rows) = tables.runs.get_mut(&key) else {
        return;
    };
    rows.away = None;
    let run = &mut rows.run;
    run.pausing = false;
    run.state = ending.state();
    run.finished_at = Some(now);
    if let Ending::Failed { error } = ending {
        run.error = Some(error.replace('\0', ""));
    }
}
