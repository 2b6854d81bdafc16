//! The workers as a whole.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::bulk::Bulk;
use super::queue::{BURY, REGISTER};
use super::writer::now;
use crate::model::{
    Assigned, Assigning, Backlog, NewWorker, Registered, Wish, WorkerKey, WorkerLoad, choose,
};
use crate::store::failure::Failure;
use crate::store::sql::worker_columns;
use crate::store::{Fleet, StoreResult, WORKERS_KEPT, columns, row, sql};

/// What waits, by queue, each counted up to a hundred thousand. Queues are few; of each, its part of the queue is read.
pub(super) const BACKLOG: &str = "
SELECT s.workflow, s.version, s.pool, s.labels, r.created_at AS since, (
    SELECT count(*) FROM (SELECT 1 FROM queue q WHERE q.queue_id = s.queue_id LIMIT 100000)
) AS runs
FROM queues s CROSS JOIN runs r ON r.run_key = (
    SELECT q.run_key FROM queue q WHERE q.queue_id = s.queue_id
    ORDER BY q.queue_id, q.lane, q.fresh, q.since, q.run_key LIMIT 1
)";

/// Workers that are not gone, each with the runs that it drives and those that are meant for it.
pub(super) const CANDIDATES: &str = concat!(
    "SELECT ",
    worker_columns!(),
    ", (SELECT count(*) FROM runs r WHERE r.worker = workers.worker AND r.state = 'running')
       + (SELECT count(*) FROM assignments a WHERE a.worker = workers.worker) AS runs
     FROM workers WHERE gone_at IS NULL"
);

/// Whether runs are meant for a worker. `$1` worker.
pub(super) const ANY_ASSIGNED: &str =
    "SELECT EXISTS (SELECT 1 FROM assignments WHERE worker = $1 AND run_key IS NOT NULL)";

/// Takes away what was claimed, or waits for no time any more. `$1` worker.
pub(super) const FORGET_ASSIGNED: &str =
    "DELETE FROM assignments WHERE worker = $1 AND run_key IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_key = assignments.run_key
                     AND r.state = 'pending' AND r.due_at IS NOT NULL)";

/// Runs that start and are meant for a worker.
pub(super) static INSERT_ASSIGNED: Bulk = Bulk::new(
    "INSERT INTO assignments (worker, id, run_key, expires_at) VALUES ",
    4,
    " ON CONFLICT (worker, id) DO UPDATE SET run_key = excluded.run_key, expires_at = excluded.expires_at",
);

#[async_trait]
impl Fleet for SqliteStore {
    async fn wish(&self, worker: WorkerKey, wish: Wish) -> StoreResult<bool> {
        let write = async {
            let mut tx = self.writer().begin().await?;
            let put = sqlx::query(sql::PUT_WISH)
                .bind(worker.uuid())
                .bind(wish.as_str())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(put.rows_affected() > 0)
        };
        let found = write.await.map_err(|e| self.error(e))?;
        if found {
            self.0.hints.tell_wish();
        }
        Ok(found)
    }

    async fn wished(&self, worker: WorkerKey) -> StoreResult<Option<Wish>> {
        let read = async {
            let word: Option<String> = sqlx::query_scalar(sql::WISH)
                .bind(worker.uuid())
                .fetch_optional(self.readers())
                .await?;
            Ok::<_, Failure>(word.map(|word| row::wish(&word)).transpose()?)
        };
        read.await.map_err(|e| self.error(e))
    }

    async fn backlog(&self) -> StoreResult<Vec<Backlog>> {
        let read = async {
            let rows = sqlx::query(BACKLOG).fetch_all(self.readers()).await?;
            let mut backlog: Vec<Backlog> =
                rows.iter().map(row::backlog).collect::<Result<_, _>>()?;
            backlog.sort_by(|a, b| a.queue.cmp(&b.queue));
            Ok::<_, Failure>(backlog)
        };
        read.await.map_err(|e| self.error(e))
    }

    async fn assign(&self, ask: &Assigning) -> StoreResult<Option<Assigned>> {
        self.write_assignment(ask).await.map_err(|e| self.error(e))
    }
}

impl SqliteStore {
    pub(super) async fn write_worker(&self, worker: &NewWorker) -> Result<Registered, Failure> {
        let mut tx = self.writer().begin().await?;
        let now = tx.now.as_micros();
        sqlx::query(sql::FORGET_WORKERS)
            .bind(now - columns::micros(WORKERS_KEPT))
            .execute(&mut *tx)
            .await?;
        let done = sqlx::query(REGISTER)
            .bind(worker.key.uuid())
            .bind(columns::text(&worker.name))
            .bind(columns::text(&worker.pool))
            .bind(worker.labels.to_json())
            .bind(columns::count(worker.slots))
            .bind(columns::micros(worker.lease))
            .bind(columns::text(&worker.host))
            .bind(columns::json(&worker.program))
            .bind(worker.exclusive)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        let mut holder = None;
        if done.rows_affected() == 0 {
            let found = sqlx::query(sql::NAME_HOLDER)
                .bind(columns::text(&worker.name))
                .fetch_optional(&mut *tx)
                .await?;
            holder = found.as_ref().map(row::worker).transpose()?;
        }
        tx.commit().await?;
        Ok(match holder {
            Some(holder) if worker.exclusive && holder.registered.key != worker.key => {
                Registered::NameHeld(Box::new(holder))
            }
            _ => Registered::Done,
        })
    }

    pub(super) async fn declare_gone(
        &self,
        worker: WorkerKey,
        signs_off: bool,
    ) -> StoreResult<bool> {
        let write = async {
            let mut tx = self.writer().begin().await?;
            let now = tx.now.as_micros();
            let done = sqlx::query(BURY)
                .bind(worker.uuid())
                .bind(signs_off)
                .bind(now)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(done.rows_affected() > 0)
        };
        let was_alive = write.await.map_err(|e| self.error(e))?;
        if was_alive {
            self.0.hints.tell_work();
        }
        Ok(was_alive)
    }

    async fn write_assignment(&self, ask: &Assigning) -> Result<Option<Assigned>, Failure> {
        let mut tx = self.writer().begin().await?;
        let now = now();
        sqlx::query(sql::FORGET_ASSIGNMENTS)
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await?;
        let rows = sqlx::query(CANDIDATES).fetch_all(&mut *tx).await?;
        let candidate = |row: &SqliteRow| {
            let runs: i64 = row.try_get("runs")?;
            Ok::<_, Failure>(WorkerLoad {
                worker: row::worker(row)?,
                runs: runs.unsigned_abs(),
            })
        };
        let candidates: Vec<WorkerLoad> = rows.iter().map(candidate).collect::<Result<_, _>>()?;
        let chosen = choose(ask, candidates, now);
        if let Some(chosen) = &chosen {
            sqlx::query(sql::PUT_ASSIGNMENT)
                .bind(chosen.worker.uuid())
                .bind(chosen.id)
                .bind(now.as_micros() + columns::micros(ask.lasts))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(chosen)
    }
}
