//! Starts, commits and retries.

use async_trait::async_trait;

use super::InMemoryStore;
use super::tables::{RunRows, Tables};
use crate::model::{
    Checkpoint, Commit, Ending, EventKind, Found, Gate, GateRequest, Journal as RunJournal, NewRun,
    Outcome, Park, Position, Run, RunId, RunKey, RunState, Started, Then, Timestamp, Verdict,
    Waiting, input_checkpoint, judge,
};
use crate::store::{Journal, StoreError, StoreResult, size};

#[async_trait]
impl Journal for InMemoryStore {
    async fn start(&self, new: NewRun) -> StoreResult<Started> {
        size::check_start(&new)?;
        let key = new.id.key();
        {
            let mut tables = self.lock();
            if let Some(rows) = tables.runs.get(&key) {
                return Ok(attach(rows, &new));
            }
            let now = tables.clock.now();
            tables.runs.insert(key, create(&new, now));
            tables.enqueue(key, now.after(new.delay), now);
        }
        self.hints.tell_work();
        Ok(Started::Created)
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
            (Then::Finish(_), _) => self.hints.tell_run(commit.run),
            (Then::Park(_), Verdict::Committed) => {
                self.hints.tell_run(commit.run);
                // Its time may come before that of any other: whoever watches the clock looks again.
                self.hints.tell_work();
            }
            (Then::HandBack, _) => self.hints.tell_work(),
            _ => {}
        }
        Ok(verdict)
    }

    async fn journal(&self, run: &RunId) -> StoreResult<Option<RunJournal>> {
        Ok(self.lock().runs.get(&run.key()).map(RunRows::journal))
    }

    async fn output(&self, run: &RunId) -> StoreResult<Option<Outcome>> {
        let tables = self.lock();
        let output = tables
            .runs
            .get(&run.key())
            .and_then(|rows| rows.checkpoints.get(&Position::from(Position::OUTPUT)));
        Ok(output.map(|(checkpoint, _)| checkpoint.written.outcome.clone()))
    }

    async fn retry(&self, run: &RunId, by: &str) -> StoreResult<Option<Run>> {
        let key = run.key();
        let mut tables = self.lock();
        let now = tables.clock.now();
        let Some(rows) = tables.runs.get_mut(&key) else {
            return Ok(None);
        };
        let before = rows.run.clone();
        match (before.state, &before.waiting) {
            (RunState::Failed, _) => {
                for position in rows.journal().forgotten_by_retry() {
                    rows.checkpoints.remove(&position);
                }
                rows.checkpoints.remove(&Position::from(Position::OUTPUT));
            }
            (RunState::Waiting, Some(Waiting::Diverged { .. })) => {}
            _ => return Ok(Some(before)),
        }
        rows.run.error = None;
        rows.run.finished_at = None;
        rows.run.claims = 0;
        rows.record_kind(EventKind::Retried { by: by.to_owned() }, now);
        tables.disarm(key);
        tables.enqueue(key, now, now);
        drop(tables);
        self.hints.tell_work();
        Ok(Some(before))
    }
}

/// The rows of a run that begins.
fn create(new: &NewRun, now: Timestamp) -> RunRows {
    let mut rows = RunRows::new(Run {
        id: new.id.clone(),
        workflow: new.workflow.clone(),
        pool: new.pool.clone(),
        labels: new.labels.clone(),
        state: RunState::Pending,
        epoch: 0,
        worker: None,
        claims: 0,
        wakes: 0,
        priority: new.priority,
        fingerprint: new.fingerprint,
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
fn attach(rows: &RunRows, new: &NewRun) -> Started {
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
    Ok(match &commit.then {
        Then::Continue => Verdict::Committed,
        Then::Park(park) => self::park(tables, commit.run, park, now),
        Then::Finish(ending) => {
            finish(&mut rows.run, ending, now);
            Verdict::Committed
        }
        Then::HandBack => {
            tables.enqueue(commit.run, now, now);
            Verdict::Committed
        }
    })
}

/// Puts a question; a decision that came before it stands.
fn ask(rows: &mut RunRows, request: &GateRequest, now: Timestamp) {
    let gate = rows
        .gates
        .entry(request.name.clone())
        .or_insert_with(|| Gate {
            run: rows.run.id.clone(),
            name: request.name.clone(),
            prompt: String::new(),
            context: None,
            asked_at: None,
            decision: None,
        });
    if gate.asked_at.is_none() {
        gate.prompt.clone_from(&request.prompt);
        gate.context.clone_from(&request.context);
        gate.asked_at = Some(now);
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
    rows.run.state = RunState::Waiting;
    rows.run.waiting = Some(park.waiting.clone());
    if let Some(wait) = park.wake_after {
        let due = now.after(wait);
        rows.run.due_at = Some(due);
        tables.timers.insert((due, key));
    }
    Verdict::Committed
}

fn finish(run: &mut Run, ending: &Ending, now: Timestamp) {
    run.state = ending.state();
    run.finished_at = Some(now);
    if let Ending::Failed { error } = ending {
        run.error = Some(error.replace('\0', ""));
    }
}
