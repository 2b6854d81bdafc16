//! Claims and leases.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::PostgresStore;
use super::claim::{CLAIM, CLAIM_ONE, Taken};
use crate::model::{
    ClaimOne, Claimed, Lease, NewWorker, RunId, RunKey, RunningStep, Serves, Tick, WorkerKey,
};
use crate::store::failure::Failure;
use crate::store::{Queue, StoreResult, columns, sql};

pub(super) const REGISTER: &str = sql::register!(now: "now_us()", labels: "CAST($4 AS jsonb)");
pub(super) const HEARTBEAT: &str = sql::heartbeat!("now_us()");
pub(super) const BURY: &str = sql::bury!("now_us()");

/// The most runs that one look at the clock makes claimable.
const WOKEN_MAX: i64 = 1_000;

/// Looks at the clock. Runs are locked before their timers are touched, which is the order that everybody keeps. A
/// mark for orphans goes when the last of them has another worker: since a claim locks its worker's row, no claim
/// of a worker that is gone can be on its way any more.
pub(super) const TICK: &str = "
WITH clock AS MATERIALIZED (SELECT now_us() AS now),
buried AS (
    UPDATE workers w SET gone_at = c.now, orphans = true FROM clock c
    WHERE w.gone_at IS NULL AND w.lease_until < c.now
    RETURNING w.worker
),
settled AS (
    UPDATE workers w SET orphans = false
    WHERE w.orphans
      AND (SELECT r.run_key FROM runs r WHERE r.worker = w.worker AND r.state = 'running' LIMIT 1) IS NULL
),
due AS MATERIALIZED (
    SELECT t.due_at, t.run_key FROM timers t JOIN runs r ON r.run_key = t.run_key
    WHERE t.due_at <= (SELECT now FROM clock)
    ORDER BY t.due_at LIMIT $1
    FOR UPDATE OF r SKIP LOCKED
),
disarmed AS (DELETE FROM timers t USING due d WHERE t.due_at = d.due_at AND t.run_key = d.run_key),
woken AS (
    UPDATE runs r SET state = 'pending', waiting = NULL, due_at = NULL FROM due d
    WHERE r.run_key = d.run_key AND r.due_at = d.due_at AND r.state IN ('pending', 'waiting')
    RETURNING r.queue_id, r.priority, r.created_at, r.run_key
),
queued AS (
    INSERT INTO queue (queue_id, rank, since, run_key)
    SELECT queue_id, -priority::integer, created_at, run_key FROM woken
)
SELECT (SELECT count(*) FROM buried), (SELECT count(*) FROM woken),
       (SELECT t.due_at - (SELECT now FROM clock) FROM timers t WHERE t.due_at > (SELECT now FROM clock)
        ORDER BY t.due_at LIMIT 1),
       (SELECT s.due_at - (SELECT now FROM clock) FROM schedules s WHERE s.due_at IS NOT NULL ORDER BY s.due_at LIMIT 1)";

/// Takes a worker's own runs again. `$1` the worker, `$2` those that it drives.
pub(super) const STRAYS: &str = "
WITH me AS MATERIALIZED (
    SELECT worker FROM workers WHERE worker = $1 AND gone_at IS NULL AND lease_until > now_us() FOR SHARE
)
UPDATE runs r SET epoch = r.epoch + 1 FROM me
WHERE r.worker = $1 AND r.state = 'running' AND r.run_key <> ALL($2)
RETURNING r.run_key";

/// How often a claim looks again when others were faster.
const LOOKS_MAX: u32 = 4;

#[async_trait]
impl Queue for PostgresStore {
    async fn register(&self, worker: &NewWorker) -> StoreResult<()> {
        sqlx::query(REGISTER)
            .bind(worker.key.uuid())
            .bind(columns::text(&worker.name))
            .bind(&worker.pool)
            .bind(worker.labels.to_json())
            .bind(columns::count(worker.slots))
            .bind(columns::micros(worker.lease))
            .bind(columns::text(&worker.host))
            .execute(self.pool())
            .await
            .map_err(|e| self.error(e))?;
        Ok(())
    }

    async fn heartbeat(&self, worker: WorkerKey, running: &[RunningStep]) -> StoreResult<Lease> {
        let extended = sqlx::query(HEARTBEAT)
            .bind(worker.uuid())
            .bind(columns::json(running))
            .execute(self.pool())
            .await
            .map_err(|e| self.error(e))?;
        Ok(match extended.rows_affected() {
            0 => Lease::Lost,
            _ => Lease::Kept,
        })
    }

    async fn deregister(&self, worker: WorkerKey) -> StoreResult<()> {
        self.bury(worker).await.map(drop)
    }

    async fn bury(&self, worker: WorkerKey) -> StoreResult<bool> {
        let buried = sqlx::query(BURY)
            .bind(worker.uuid())
            .execute(self.pool())
            .await
            .map_err(|e| self.error(e))?;
        let was_alive = buried.rows_affected() > 0;
        if was_alive {
            self.tell_work();
        }
        Ok(was_alive)
    }

    async fn tick(&self) -> StoreResult<Tick> {
        let tick = self.through_clashes(|| self.tick_once()).await?;
        if tick.woken + tick.buried > 0 {
            self.tell_work();
        }
        Ok(tick)
    }

    async fn claim(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<Vec<Claimed>> {
        let mut claimed = Vec::new();
        for _ in 0..LOOKS_MAX {
            let wanted = limit as usize - claimed.len();
            let taken = self.through_clashes(|| self.claim_once(worker, serves, wanted));
            let taken = taken.await?;
            claimed.extend(taken.runs);
            if !taken.contended {
                break;
            }
        }
        self.complete(&mut claimed)
            .await
            .map_err(|e| self.error(e))?;
        Ok(claimed)
    }

    async fn strays(&self, worker: WorkerKey, driven: &[RunKey]) -> StoreResult<Vec<Claimed>> {
        let driven: Vec<Uuid> = driven.iter().map(|run| run.uuid()).collect();
        let strays = self.through_clashes(|| self.strays_once(worker, &driven));
        strays.await
    }

    async fn claim_one(&self, worker: WorkerKey, run: &RunId) -> StoreResult<ClaimOne> {
        let key = run.key();
        let taken = self.through_clashes(|| async {
            let rows = sqlx::query(CLAIM_ONE)
                .bind(worker.uuid())
                .bind(key.uuid())
                .fetch_all(self.pool())
                .await?;
            Taken::read(&rows, 1)
        });
        let mut claimed = taken.await?.runs;
        self.complete(&mut claimed)
            .await
            .map_err(|e| self.error(e))?;
        if let Some(claimed) = claimed.pop() {
            return Ok(ClaimOne::Claimed(Box::new(claimed)));
        }
        let run = self.read_run(key).await.map_err(|e| self.error(e))?;
        Ok(run.map_or(ClaimOne::NoRun, |run| ClaimOne::Not(Box::new(run))))
    }
}

impl PostgresStore {
    async fn tick_once(&self) -> Result<Tick, Failure> {
        let (buried, woken, next_due, schedule): (i64, i64, Option<i64>, Option<i64>) =
            sqlx::query_as(TICK)
                .bind(WOKEN_MAX)
                .fetch_one(self.pool())
                .await?;
        let micros = |us: i64| Duration::from_micros(us.unsigned_abs());
        Ok(Tick {
            woken: woken.unsigned_abs(),
            buried: buried.unsigned_abs(),
            schedule_due: schedule.map(|us| micros(us.max(0))),
            // More may be due than one look takes.
            next_due: if woken == WOKEN_MAX {
                Some(Duration::ZERO)
            } else {
                next_due.map(micros)
            },
        })
    }

    async fn claim_once(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        wanted: usize,
    ) -> Result<Taken, Failure> {
        let rows = sqlx::query(CLAIM)
            .bind(worker.uuid())
            .bind(&serves.workflows)
            .bind(&serves.pool)
            .bind(serves.labels.to_json())
            .bind(i64::try_from(wanted).unwrap_or(i64::MAX / 8))
            .fetch_all(self.pool())
            .await?;
        Taken::read(&rows, wanted)
    }

    async fn strays_once(
        &self,
        worker: WorkerKey,
        driven: &[Uuid],
    ) -> Result<Vec<Claimed>, Failure> {
        let keys: Vec<Uuid> = sqlx::query_scalar(STRAYS)
            .bind(worker.uuid())
            .bind(driven)
            .fetch_all(self.pool())
            .await?;
        let mut strays = Vec::with_capacity(keys.len());
        for key in keys.into_iter().map(RunKey::from_uuid) {
            let journal = self.read_journals(&[key]).await?.remove(&key);
            if let Some((run, journal)) = self.read_run(key).await?.zip(journal) {
                strays.push(Claimed { run, journal });
            }
        }
        Ok(strays)
    }

    /// Adds the journals to runs that have one beside their input. They are read after the claim, in which their
    /// earlier workers were gone, so nothing of theirs is still on its way.
    async fn complete(&self, claimed: &mut [Claimed]) -> Result<(), Failure> {
        // A run that is claimed for the first time can have been told something already: a decision came early.
        let has_more = |c: &&mut Claimed| c.run.epoch > 1 || c.run.wakes > 0;
        let more: Vec<&mut Claimed> = claimed.iter_mut().filter(has_more).collect();
        if more.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = more.iter().map(|c| c.run.key()).collect();
        let mut journals = self.read_journals(&keys).await?;
        for claimed in more {
            if let Some(journal) = journals.remove(&claimed.run.key()) {
                claimed.journal = journal;
            }
        }
        Ok(())
    }
}
