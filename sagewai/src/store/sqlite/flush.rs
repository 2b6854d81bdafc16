//! Writes a batch in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::bulk::Bulk;
use super::queue::{ENQUEUE, execute_for};
use super::queues::Queues;
use super::writer::{Writer, Writing};
use crate::model::{
    Commit, GateRequest, NewCheckpoint, NewEvent, NewRun, RunKey, Then, Timestamp, Verdict,
    input_checkpoint,
};
use crate::store::Hints;
use crate::store::columns::{self, Move};
use crate::store::failure::{Failure, Kind};
use crate::store::group_commit::{Batch, Flush, Flushed, News};
use crate::store::row::Cells;

/// Runs that are driven by a worker whose lease holds. `$1` now.
static FENCE: Bulk = Bulk::new(
    "SELECT r.run_key, r.epoch, r.worker, r.wakes FROM runs r
     JOIN workers w ON w.worker = r.worker AND w.gone_at IS NULL AND w.lease_until > $1
     WHERE r.state = 'running' AND r.run_key IN (VALUES ",
    1,
    1,
    ")",
);

/// `$1` now.
static INSERT_RUNS: Bulk = Bulk::new(
    "INSERT INTO runs (created_at, state, run_key, run_id, queue_id, priority, fingerprint, due_at)
     SELECT $1, 'pending', v.* FROM (VALUES ",
    1,
    6,
    ") v WHERE true ON CONFLICT (run_key) DO NOTHING RETURNING run_key",
);

/// `$1` now.
static INSERT_CHECKPOINTS: Bulk = Bulk::new(
    "INSERT INTO checkpoints (at, run_key, epoch, position, ordinal, kind, site, input_digest, attempts, took_us,
         outcome, payload)
     SELECT $1, v.* FROM (VALUES ",
    1,
    11,
    ") v",
);

/// `$1` now.
static INSERT_EVENTS: Bulk = Bulk::new(
    "INSERT INTO events (at, run_key, id, kind, detail) SELECT $1, v.* FROM (VALUES ",
    1,
    4,
    ") v",
);

/// `$1` now. A question that was put stays, and a decision that came before it.
static INSERT_GATES: Bulk = Bulk::new(
    "INSERT INTO gates (asked_at, run_key, name, prompt, context) SELECT $1, v.* FROM (VALUES ",
    1,
    4,
    ") v WHERE true ON CONFLICT (run_key, name) DO UPDATE
     SET prompt = excluded.prompt, context = excluded.context, asked_at = excluded.asked_at
     WHERE gates.asked_at IS NULL",
);

static INSERT_TIMERS: Bulk = Bulk::new("INSERT INTO timers (due_at, run_key) VALUES ", 0, 2, "");

/// `$1` now.
static MOVE: Bulk = Bulk::new(
    "UPDATE runs SET state = v.column2, waiting = v.column3, due_at = v.column4, error = v.column5,
         finished_at = CASE WHEN v.column2 IN ('completed', 'failed') THEN $1 END
     FROM (VALUES ",
    1,
    5,
    ") v WHERE runs.run_key = v.column1",
);

/// The writer.
#[derive(Debug)]
pub(super) struct SqliteFlush {
    writer: Arc<Writer>,
    hints: Hints,
    queues: Queues,
}

impl SqliteFlush {
    pub(super) fn factory(
        writer: Arc<Writer>,
        hints: Hints,
    ) -> impl Fn() -> SqliteFlush + Send + Sync {
        move || SqliteFlush {
            writer: writer.clone(),
            hints: hints.clone(),
            queues: Queues::default(),
        }
    }
}

impl Flush for SqliteFlush {
    async fn flush(&mut self, batch: &Batch) -> Result<Flushed, Failure> {
        self.queues.forget();
        let mut tx = self.writer.begin().await?;
        match write(&mut tx, &mut self.queues, batch).await {
            Ok(flushed) => {
                tx.commit().await?;
                self.queues.keep();
                Ok(flushed)
            }
            Err(failure) => {
                // After anything else the connection is not used again.
                if failure.kind == Kind::Duplicate {
                    tx.rollback().await?;
                }
                Err(failure)
            }
        }
    }

    fn announce(&self, news: News) {
        if news.work {
            self.hints.tell_work();
        }
        for run in news.runs {
            self.hints.tell_run(run);
        }
    }
}

async fn write(
    tx: &mut Writing<'_>,
    queues: &mut Queues,
    batch: &Batch,
) -> Result<Flushed, Failure> {
    let mut rows = Rows::default();
    let created = create(tx, queues, &batch.starts, &mut rows).await?;
    let verdicts = judge(tx, &batch.commits).await?;
    for (commit, verdict) in batch.commits.iter().zip(&verdicts) {
        if let Some(verdict) = verdict {
            rows.add(commit, *verdict, tx.now);
        }
    }
    rows.insert(tx).await?;
    Ok(Flushed { created, verdicts })
}

/// Creates runs that are not there. Returns which were created.
async fn create<'a>(
    tx: &mut Writing<'_>,
    queues: &mut Queues,
    starts: &'a [Arc<NewRun>],
    rows: &mut Rows<'a>,
) -> Result<Vec<bool>, Failure> {
    let now = tx.now;
    let mut new = Vec::with_capacity(starts.len());
    for run in starts {
        let queue = queues.id(tx, run).await?;
        let delay = columns::micros(run.delay);
        let due_at = (delay > 0).then(|| now.as_micros() + delay);
        new.push((run, queue, due_at));
    }
    let mut created = HashSet::with_capacity(new.len());
    for (sql, part) in INSERT_RUNS.parts(&new) {
        let mut query = sqlx::query_scalar(sql).bind(now.as_micros());
        for (run, queue, due_at) in part {
            query = query
                .bind(run.id.key().uuid())
                .bind(run.id.as_str())
                .bind(queue)
                .bind(run.priority)
                .bind(run.fingerprint)
                .bind(due_at);
        }
        let keys: Vec<Uuid> = query.fetch_all(&mut **tx).await?;
        created.extend(keys);
    }
    let mut answers = Vec::with_capacity(new.len());
    for (run, _, due_at) in new {
        let key = run.id.key();
        let is_new = created.contains(&key.uuid());
        answers.push(is_new);
        if is_new {
            rows.inputs.push((key, input_checkpoint(&run.input)));
            match due_at {
                Some(due_at) => rows.timers.push((due_at, key)),
                None => rows.queued.push(key),
            }
        }
    }
    Ok(answers)
}

/// What the fence says of each commit. It stays true until the transaction ends, because nobody else can write.
async fn judge(
    tx: &mut Writing<'_>,
    commits: &[Arc<Commit>],
) -> Result<Vec<Option<Verdict>>, Failure> {
    let now = tx.now.as_micros();
    let mut driven = HashMap::with_capacity(commits.len());
    for (sql, part) in FENCE.parts(commits) {
        let mut query = sqlx::query(sql).bind(now);
        for commit in part {
            query = query.bind(commit.run.uuid());
        }
        for row in query.fetch_all(&mut **tx).await? {
            let (epoch, worker) = (row.int("epoch")?, row.uuid("worker")?);
            driven.insert(row.uuid("run_key")?, (epoch, worker, row.int("wakes")?));
        }
    }
    let verdict = |commit: &Arc<Commit>| {
        let (epoch, worker, wakes) = *driven.get(&commit.run.uuid())?;
        let ours = epoch == commit.epoch && worker == commit.worker.uuid();
        ours.then(|| match &commit.then {
            Then::Park(park) if park.wakes != wakes => Verdict::Awake,
            _ => Verdict::Committed,
        })
    };
    Ok(commits.iter().map(verdict).collect())
}

/// What is to be written, table by table.
#[derive(Debug, Default)]
struct Rows<'a> {
    inputs: Vec<(RunKey, NewCheckpoint)>,
    checkpoints: Vec<(RunKey, i32, &'a NewCheckpoint)>,
    events: Vec<(RunKey, &'a NewEvent)>,
    gates: Vec<(RunKey, &'a GateRequest)>,
    moves: Vec<(RunKey, Move, Option<i64>)>,
    queued: Vec<RunKey>,
    timers: Vec<(i64, RunKey)>,
}

impl<'a> Rows<'a> {
    /// Adds a commit that is let through.
    fn add(&mut self, commit: &'a Commit, verdict: Verdict, now: Timestamp) {
        let run = commit.run;
        let checkpoints = commit.checkpoints.iter();
        self.checkpoints
            .extend(checkpoints.map(|c| (run, commit.epoch, c)));
        self.events.extend(commit.events.iter().map(|e| (run, e)));
        self.gates.extend(commit.gates.iter().map(|g| (run, g)));
        if verdict == Verdict::Awake {
            return;
        }
        if let Some(to) = Move::of(&commit.then) {
            let due_at = to.wake_us.map(|wait| now.as_micros() + wait);
            if let Some(due_at) = due_at {
                self.timers.push((due_at, run));
            }
            if commit.then == Then::HandBack {
                self.queued.push(run);
            }
            self.moves.push((run, to, due_at));
        }
    }

    async fn insert(&self, tx: &mut Writing<'_>) -> Result<(), sqlx::Error> {
        let inputs = self.inputs.iter().map(|(run, input)| (*run, 0, input));
        let checkpoints: Vec<_> = inputs.chain(self.checkpoints.iter().copied()).collect();
        insert_checkpoints(tx, &checkpoints).await?;
        let now = tx.now.as_micros();
        for (sql, part) in INSERT_EVENTS.parts(&self.events) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, event) in part {
                query = query
                    .bind(run.uuid())
                    .bind(event.id)
                    .bind(event.kind.word())
                    .bind(columns::json(&event.kind));
            }
            query.execute(&mut **tx).await?;
        }
        for (sql, part) in INSERT_GATES.parts(&self.gates) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, gate) in part {
                query = query
                    .bind(run.uuid())
                    .bind(columns::text(&gate.name))
                    .bind(columns::text(&gate.prompt))
                    .bind(gate.context.as_ref().map(crate::model::Json::as_str));
            }
            query.execute(&mut **tx).await?;
        }
        for (sql, part) in MOVE.parts(&self.moves) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, to, due_at) in part {
                query = query
                    .bind(run.uuid())
                    .bind(to.state)
                    .bind(to.waiting.as_deref())
                    .bind(due_at)
                    .bind(to.error.as_deref());
            }
            query.execute(&mut **tx).await?;
        }
        for (sql, part) in INSERT_TIMERS.parts(&self.timers) {
            let mut query = sqlx::query(sql);
            for (due_at, run) in part {
                query = query.bind(due_at).bind(run.uuid());
            }
            query.execute(&mut **tx).await?;
        }
        execute_for(tx, &ENQUEUE, &self.queued).await
    }
}

async fn insert_checkpoints(
    tx: &mut Writing<'_>,
    checkpoints: &[(RunKey, i32, &NewCheckpoint)],
) -> Result<(), sqlx::Error> {
    let now = tx.now.as_micros();
    for (sql, part) in INSERT_CHECKPOINTS.parts(checkpoints) {
        let mut query = sqlx::query(sql).bind(now);
        for (run, epoch, checkpoint) in part {
            let (outcome, payload) = checkpoint.outcome.to_columns();
            query = query
                .bind(run.uuid())
                .bind(epoch)
                .bind(checkpoint.position.as_str())
                .bind(columns::count(checkpoint.ordinal))
                .bind(checkpoint.kind.as_str())
                .bind(i32::from(checkpoint.site))
                .bind(checkpoint.input_digest)
                .bind(columns::count(checkpoint.attempts))
                .bind(columns::micros(checkpoint.took))
                .bind(outcome)
                .bind(payload.as_str().to_owned());
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}
