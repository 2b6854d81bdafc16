//! The workers as a whole.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::queue::{BURY, REGISTER};
use crate::model::{
    Assigned, Assigning, Backlog, NewWorker, Registered, Timestamp, Wish, WorkerKey, WorkerLoad,
    choose,
};
use crate::store::failure::Failure;
use crate::store::sql::worker_columns;
use crate::store::{Fleet, Schema, StoreResult, WORKERS_KEPT, columns, row, sql};

/// What waits, by queue, each counted up to a hundred thousand. Queues are few; of each, its index is read.
pub(super) const BACKLOG: &str = "
SELECT s.workflow, s.version, s.pool, CAST(s.labels AS text) AS labels, r.created_at AS since, (
    SELECT count(*) FROM (SELECT FROM queue q WHERE q.queue_id = s.queue_id LIMIT 100000) q
) AS runs
FROM queues s
CROSS JOIN LATERAL (
    SELECT q.run_key FROM queue q WHERE q.queue_id = s.queue_id ORDER BY q.lane, q.fresh, q.since, q.run_key LIMIT 1
) f
JOIN runs r ON r.run_key = f.run_key
ORDER BY s.workflow, s.version, s.pool, s.labels";

/// Lets one choice at a time be made.
pub(super) const LOCK_ASSIGN: &str =
    "SELECT pg_advisory_xact_lock(hashtext('sagewai assign'), hashtext(current_schema()))";

/// Workers that are not gone, each with the runs that it drives and those that are meant for it.
pub(super) const CANDIDATES: &str = concat!(
    "SELECT ",
    worker_columns!(),
    ", (SELECT count(DISTINCT r.run_key)
        FROM held h CROSS JOIN unnest(h.runs) k (run_key) JOIN runs r ON r.run_key = k.run_key
        WHERE h.worker = w.worker AND r.worker = w.worker AND r.state = 'running')
       + (SELECT count(*) FROM assignments a WHERE a.worker = w.worker) AS runs
     FROM workers w WHERE gone_at IS NULL"
);

#[async_trait]
impl Fleet for PostgresStore {
    async fn wish(&self, worker: WorkerKey, wish: Wish) -> StoreResult<bool> {
        let put = sqlx::query(sql::PUT_WISH)
            .bind(worker.uuid())
            .bind(wish.as_str())
            .execute(self.pool())
            .await
            .map_err(|e| self.error(e))?;
        let found = put.rows_affected() > 0;
        if found {
            self.0.hints.tell_wish();
            self.0.announcer.wish();
        }
        Ok(found)
    }

    async fn wished(&self, worker: WorkerKey) -> StoreResult<Option<Wish>> {
        let read = async {
            let word: Option<String> = sqlx::query_scalar(sql::WISH)
                .bind(worker.uuid())
                .fetch_optional(self.pool())
                .await?;
            Ok::<_, Failure>(word.map(|word| row::wish(&word)).transpose()?)
        };
        read.await.map_err(|e| self.error(e))
    }

    async fn backlog(&self) -> StoreResult<Vec<Backlog>> {
        let read = async {
            let rows = sqlx::query(BACKLOG).fetch_all(self.pool()).await?;
            let mut backlog: Vec<Backlog> =
                rows.iter().map(row::backlog).collect::<Result<_, _>>()?;
            backlog.sort_by(|a, b| a.queue.cmp(&b.queue));
            Ok::<_, Failure>(backlog)
        };
        read.await.map_err(|e| self.error(e))
    }

    async fn assign(&self, ask: &Assigning) -> StoreResult<Option<Assigned>> {
        self.through_clashes(|| self.write_assignment(ask)).await
    }
}

impl PostgresStore {
    pub(super) async fn write_worker(&self, worker: &NewWorker) -> Result<Registered, Failure> {
        let now = self.now().await.map_or(0, Timestamp::as_micros);
        sqlx::query(sql::FORGET_WORKERS)
            .bind(now.saturating_sub(columns::micros(WORKERS_KEPT)))
            .execute(self.pool())
            .await?;
        loop {
            let done = sqlx::query(REGISTER)
                .bind(worker.key.uuid())
                .bind(columns::text(&worker.name))
                .bind(&worker.pool)
                .bind(worker.labels.to_json())
                .bind(columns::count(worker.slots))
                .bind(columns::micros(worker.lease))
                .bind(columns::text(&worker.host))
                .bind(columns::json(&worker.program))
                .bind(worker.exclusive)
                .execute(self.pool())
                .await?;
            if done.rows_affected() > 0 || !worker.exclusive {
                return Ok(Registered::Done);
            }
            let holder = sqlx::query(sql::NAME_HOLDER)
                .bind(columns::text(&worker.name))
                .fetch_optional(self.pool())
                .await?;
            match holder.as_ref().map(row::worker).transpose()? {
                // It is registered already.
                Some(holder) if holder.registered.key == worker.key => {
                    return Ok(Registered::Done);
                }
                Some(holder) => return Ok(Registered::NameHeld(Box::new(holder))),
                // Gone between the two.
                None => {}
            }
        }
    }

    pub(super) async fn write_death(
        &self,
        worker: WorkerKey,
        signs_off: bool,
    ) -> StoreResult<bool> {
        let buried = sqlx::query(BURY)
            .bind(worker.uuid())
            .bind(signs_off)
            .execute(self.pool())
            .await
            .map_err(|e| self.error(e))?;
        let was_alive = buried.rows_affected() > 0;
        if was_alive {
            self.tell_work();
        }
        Ok(was_alive)
    }

    async fn write_assignment(&self, ask: &Assigning) -> Result<Option<Assigned>, Failure> {
        let mut tx = self.pool().begin().await?;
        sqlx::query(LOCK_ASSIGN).execute(&mut *tx).await?;
        // What was chosen meanwhile is seen, since each statement sees what was committed before it.
        let now: i64 = sqlx::query_scalar(super::schema::CLOCK)
            .fetch_one(&mut *tx)
            .await?;
        sqlx::query(sql::FORGET_ASSIGNMENTS)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        let rows = sqlx::query(CANDIDATES).fetch_all(&mut *tx).await?;
        let candidate = |row: &PgRow| {
            let runs: i64 = row.try_get("runs")?;
            Ok::<_, Failure>(WorkerLoad {
                worker: row::worker(row)?,
                runs: runs.unsigned_abs(),
            })
        };
        let candidates: Vec<WorkerLoad> = rows.iter().map(candidate).collect::<Result<_, _>>()?;
        let chosen = choose(ask, candidates, Timestamp::from_micros(now));
        if let Some(chosen) = &chosen {
            sqlx::query(sql::PUT_ASSIGNMENT)
                .bind(chosen.worker.uuid())
                .bind(chosen.id)
                .bind(now + columns::micros(ask.lasts))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(chosen)
    }
}
