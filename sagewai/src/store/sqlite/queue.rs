//! Leases and the clock.

use async_trait::async_trait;
use sqlx::Row;
use uuid::Uuid;

use super::SqliteStore;
use super::bulk::Bulk;
use super::writer::{Writing, now};
use crate::model::{
    ClaimOne, Claimed, Lease, NewWorker, RunId, RunKey, RunningStep, Serves, Tick, Timestamp,
    WorkerKey,
};
use crate::store::failure::Failure;
use crate::store::sql::{bury, heartbeat, register};
use crate::store::{Queue, StoreResult, columns};

// The clock is a parameter.
pub(super) const REGISTER: &str = register!(now: "$8", labels: "$4");
pub(super) const HEARTBEAT: &str = heartbeat!("$3");
pub(super) const BURY: &str = bury!("$2");
pub(super) const BURY_EXPIRED: &str =
    "UPDATE workers SET gone_at = $1, orphans = true WHERE gone_at IS NULL AND lease_until < $1";

/// How many runs one look at the clock wakes at most stands here: a thousand.
pub(super) const DUE: &str =
    "SELECT due_at, run_key FROM timers WHERE due_at <= $1 ORDER BY due_at, run_key LIMIT 1000";
/// Whether a look at the clock finds anything, and what is due next where it does not. `$1` now.
pub(super) const CLOCK: &str =
    "SELECT EXISTS (SELECT 1 FROM workers WHERE gone_at IS NULL AND lease_until < $1)
        OR EXISTS (SELECT 1 FROM timers WHERE due_at <= $1),
     (SELECT min(due_at) FROM timers), (SELECT min(due_at) FROM schedules)";
pub(super) const NEXT_DUE: &str =
    "SELECT (SELECT min(due_at) FROM timers), (SELECT min(due_at) FROM schedules)";

/// Takes away what was found due. `$1` and `$2` the last of it.
pub(super) const DISARM_DUE: &str = "DELETE FROM timers WHERE (due_at, run_key) <= ($1, $2)";

pub(super) static WAKE_DUE: Bulk = Bulk::new(
    "UPDATE runs SET state = 'pending', waiting = NULL, due_at = NULL WHERE run_key IN (VALUES ",
    1,
    ")",
);
/// Puts runs into the queue, by their keys.
pub(super) static ENQUEUE: Bulk = Bulk::new(
    "INSERT INTO queue (queue_id, rank, since, run_key)
     SELECT queue_id, -priority, created_at, run_key FROM runs WHERE run_key IN (VALUES ",
    1,
    ")",
);

#[async_trait]
impl Queue for SqliteStore {
    async fn register(&self, worker: &NewWorker) -> StoreResult<()> {
        self.write_worker(worker).await.map_err(|e| self.error(e))
    }

    async fn heartbeat(&self, worker: WorkerKey, running: &[RunningStep]) -> StoreResult<Lease> {
        let kept = self.write_heartbeat(worker, running).await;
        Ok(if kept.map_err(|e| self.error(e))? {
            Lease::Kept
        } else {
            Lease::Lost
        })
    }

    async fn deregister(&self, worker: WorkerKey) -> StoreResult<()> {
        self.bury(worker).await.map(|_| ())
    }

    async fn bury(&self, worker: WorkerKey) -> StoreResult<bool> {
        let buried = self.write_death(worker).await;
        let was_alive = buried.map_err(|e| self.error(e))?;
        if was_alive {
            self.0.hints.tell_work();
        }
        Ok(was_alive)
    }

    async fn tick(&self) -> StoreResult<Tick> {
        let tick = self.write_tick().await.map_err(|e| self.error(e))?;
        if tick.woken + tick.buried > 0 {
            self.0.hints.tell_work();
        }
        Ok(tick)
    }

    async fn claim(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<Vec<Claimed>> {
        self.write_claims(worker, serves, limit)
            .await
            .map_err(|e| self.error(e))
    }

    async fn strays(&self, worker: WorkerKey, driven: &[RunKey]) -> StoreResult<Vec<Claimed>> {
        self.write_strays(worker, driven)
            .await
            .map_err(|e| self.error(e))
    }

    async fn claim_one(&self, worker: WorkerKey, run: &RunId) -> StoreResult<ClaimOne> {
        self.write_claim(worker, run.key())
            .await
            .map_err(|e| self.error(e))
    }
}

impl SqliteStore {
    async fn write_worker(&self, worker: &NewWorker) -> Result<(), sqlx::Error> {
        let mut tx = self.writer().begin().await?;
        let now = tx.now.as_micros();
        sqlx::query(REGISTER)
            .bind(worker.key.uuid())
            .bind(columns::text(&worker.name))
            .bind(columns::text(&worker.pool))
            .bind(worker.labels.to_json())
            .bind(columns::count(worker.slots))
            .bind(columns::micros(worker.lease))
            .bind(columns::text(&worker.host))
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await
    }

    async fn write_heartbeat(
        &self,
        worker: WorkerKey,
        running: &[RunningStep],
    ) -> Result<bool, sqlx::Error> {
        let mut tx = self.writer().begin().await?;
        let now = tx.now.as_micros();
        let done = sqlx::query(HEARTBEAT)
            .bind(worker.uuid())
            .bind(columns::json(running))
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn write_death(&self, worker: WorkerKey) -> Result<bool, sqlx::Error> {
        let mut tx = self.writer().begin().await?;
        let now = tx.now.as_micros();
        let done = sqlx::query(BURY)
            .bind(worker.uuid())
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn write_tick(&self) -> Result<Tick, Failure> {
        // Most looks find nothing, and those keep nobody from writing.
        let looked_at = now();
        let (found, next, schedule): (bool, Option<i64>, Option<i64>) = sqlx::query_as(CLOCK)
            .bind(looked_at.as_micros())
            .fetch_one(self.readers())
            .await?;
        if !found {
            let until = |due| looked_at.until(Timestamp::from_micros(due));
            return Ok(Tick {
                next_due: next.map(until),
                schedule_due: schedule.map(until),
                ..Tick::default()
            });
        }
        let mut tx = self.writer().begin().await?;
        let now = tx.now.as_micros();
        let buried = sqlx::query(BURY_EXPIRED)
            .bind(now)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        let woken = wake_due(&mut tx).await?;
        let (next, schedule): (Option<i64>, Option<i64>) =
            sqlx::query_as(NEXT_DUE).fetch_one(&mut *tx).await?;
        let began = tx.now;
        let until = |due| began.until(Timestamp::from_micros(due));
        tx.commit().await?;
        Ok(Tick {
            woken,
            buried,
            next_due: next.map(until),
            schedule_due: schedule.map(until),
        })
    }
}

/// Makes runs claimable whose time has come.
async fn wake_due(tx: &mut Writing<'_>) -> Result<u64, Failure> {
    let now = tx.now.as_micros();
    let due = sqlx::query(DUE).bind(now).fetch_all(&mut **tx).await?;
    let due = due.iter().map(|row| {
        let run: Uuid = row.try_get("run_key")?;
        Ok((row.try_get("due_at")?, RunKey::from_uuid(run)))
    });
    let due: Vec<(i64, RunKey)> = due.collect::<Result<_, sqlx::Error>>()?;
    if let Some((due_at, run)) = due.last() {
        sqlx::query(DISARM_DUE)
            .bind(due_at)
            .bind(run.uuid())
            .execute(&mut **tx)
            .await?;
    }
    let runs: Vec<RunKey> = due.into_iter().map(|(_, run)| run).collect();
    execute_for(tx, &WAKE_DUE, &runs).await?;
    execute_for(tx, &ENQUEUE, &runs).await?;
    Ok(runs.len() as u64)
}

/// Executes a statement that takes nothing but keys.
pub(super) async fn execute_for(
    tx: &mut Writing<'_>,
    statement: &'static Bulk,
    runs: &[RunKey],
) -> Result<(), sqlx::Error> {
    for (sql, part) in statement.parts(runs) {
        let mut query = sqlx::query(sql);
        for run in part {
            query = query.bind(run.uuid());
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}
