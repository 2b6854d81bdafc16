//! Writes a batch in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::bulk::Bulk;
use super::queues::Queues;
use super::rows::Rows;
use super::writer::{Writer, Writing};
use crate::model::{Commit, NewRun, Park, Then, Timestamp, Verdict, input_checkpoint};
use crate::store::Hints;
use crate::store::columns;
use crate::store::failure::{Failure, Kind};
use crate::store::group_commit::{Batch, Flush, Flushed, News};
use crate::store::row::Cells;

/// Runs that are driven by a worker whose lease holds. First of all, now is bound.
pub(super) static FENCE: Bulk = Bulk::new(
    "SELECT r.run_key, r.epoch, r.worker, r.wakes FROM runs r
     JOIN workers w ON w.worker = r.worker AND w.gone_at IS NULL AND w.lease_until > ?
     WHERE r.state = 'running' AND r.run_key IN (VALUES ",
    1,
    ")",
);

/// First of all, now is bound.
pub(super) static INSERT_RUNS: Bulk = Bulk::new(
    "INSERT INTO runs (created_at, state, run_key, run_id, queue_id, priority, fingerprint, due_at)
     SELECT ?, 'pending', v.* FROM (VALUES ",
    6,
    ") v WHERE true ON CONFLICT (run_key) DO NOTHING RETURNING run_key",
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
        news.tell(&self.hints);
    }
}

async fn write(
    tx: &mut Writing<'_>,
    queues: &mut Queues,
    batch: &Batch,
) -> Result<Flushed, Failure> {
    let mut rows = Rows::default();
    let now = tx.now;
    let mut new = Vec::with_capacity(batch.starts.len());
    for run in &batch.starts {
        new.push((&**run, queues.id(tx, columns::home(run)).await?));
    }
    let created = create(tx, &new, now, &mut rows).await?;
    let verdicts = judge(tx, &batch.commits).await?;
    for (commit, verdict) in batch.commits.iter().zip(&verdicts) {
        if let Some(verdict) = verdict {
            let away = match &commit.then {
                Then::HandOver(queue) => Some(queues.id(tx, columns::queue(queue)).await?),
                _ => None,
            };
            rows.add(commit, *verdict, away, now);
        }
    }
    rows.insert(tx, now).await?;
    Ok(Flushed { created, verdicts })
}

/// Creates runs that are not there, each in the queue beside it. Returns which were created; what belongs to them is
/// added to the rows that are to be written.
pub(super) async fn create<'a>(
    tx: &mut SqliteConnection,
    starts: &[(&'a NewRun, i64)],
    now: Timestamp,
    rows: &mut Rows<'a>,
) -> Result<Vec<bool>, Failure> {
    let with_due = |(run, queue): &(&'a NewRun, i64)| {
        let due_at = run.due_at(now).map(Timestamp::as_micros);
        (*run, *queue, due_at)
    };
    let new: Vec<_> = starts.iter().map(with_due).collect();
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
        let keys: Vec<Uuid> = query.fetch_all(&mut *tx).await?;
        created.extend(keys);
    }
    let mut answers = Vec::with_capacity(new.len());
    for (run, _, due_at) in new {
        let key = run.id.key();
        let is_new = created.contains(&key.uuid());
        answers.push(is_new);
        if is_new {
            rows.inputs.push((key, input_checkpoint(&run.input)));
            rows.add_header(key, run, now);
            rows.add_assigned(key, run.assigned.as_ref(), due_at);
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
            Then::Park(Park { wakes: seen, .. }) | Then::Pause { wakes: seen }
                if *seen != wakes =>
            {
                Verdict::Awake
            }
            _ => Verdict::Committed,
        })
    };
    Ok(commits.iter().map(verdict).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::super::SqliteStore;
    use super::*;
    use crate::model::{
        Beyond, CheckpointKind, Header, Json, Labels, NewCheckpoint, NewWorker, Program, RunId,
        Serves, WorkerKey,
    };
    use crate::store::{Journal, Queue, Schema};

    fn new_run(input: &Json) -> NewRun {
        NewRun {
            id: RunId::generate(),
            workflow: "article".to_owned(),
            version: 1,
            pool: "default".to_owned(),
            labels: Labels::new(),
            priority: 0,
            concurrency_key: None,
            input: input.clone(),
            fingerprint: 1,
            delay: Duration::ZERO,
            assigned: None,
            not_before: None,
            header: Header::default(),
        }
    }

    #[tokio::test]
    async fn a_thousand_commits_at_once_are_few_transactions() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("runs.db"))
            .await
            .unwrap();
        store.initialize().await.unwrap();
        let payload = Json::encode(&"x".repeat(98)).unwrap();
        let transactions = || store.writer().transactions.load(Ordering::Relaxed);

        let before = transactions();
        let starts = (0..1_000).map(|_| store.start(new_run(&payload)));
        assert!(join_all(starts).await.into_iter().all(|s| s.is_ok()));
        assert!(transactions() - before <= 10);

        let worker = NewWorker {
            key: WorkerKey::generate(),
            name: "w".to_owned(),
            pool: "default".to_owned(),
            labels: Labels::new(),
            slots: 1_000,
            lease: Duration::from_mins(10),
            host: "here".to_owned(),
            exclusive: false,
            program: Program::default(),
        };
        store.register(&worker).await.unwrap();
        let serves = Serves {
            workflows: vec!["article".into()],
            limited: Vec::new(),
            pool: worker.pool.clone(),
            labels: Labels::new(),
        };
        let claimed = store.claim(worker.key, &serves, 1_000).await.unwrap();
        assert_eq!(claimed.len(), 1_000);

        let before = transactions();
        let commits = claimed.iter().map(|claimed| {
            store.commit(Commit {
                run: claimed.run.key(),
                epoch: claimed.run.epoch,
                worker: worker.key,
                checkpoints: vec![NewCheckpoint {
                    position: "step".into(),
                    ordinal: 1,
                    kind: CheckpointKind::Step,
                    ..input_checkpoint(&payload)
                }],
                events: Vec::new(),
                gates: Vec::new(),
                beyond: Beyond::default(),
                then: Then::Continue,
            })
        });
        for verdict in join_all(commits).await {
            assert_eq!(verdict.unwrap(), Verdict::Committed);
        }
        assert!(transactions() - before <= 10);
    }
}
