//! Leases and the clock.

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::bulk::Bulk;
use super::writer::{Writing, now};
use crate::model::{
    Act, Beat, ClaimOne, Claimed, Lease, LimitedClaim, Limits, NewWorker, Registered, RunId,
    RunKey, RunState, RunningStep, Serves, Tick, Timestamp, WorkerKey,
};
use crate::store::failure::Failure;
use crate::store::row::Cells;
use crate::store::sql::{bury, heartbeat, place, place_columns, register};
use crate::store::{Fleet, Queue, Schema, StoreResult, columns, row, sql};

// The clock is a parameter.
pub(super) const REGISTER: &str = register!(now: "$10", labels: "$4");
pub(super) const HEARTBEAT: &str = heartbeat!("$3");
pub(super) const BURY: &str = bury!("$3");
pub(super) const BURY_EXPIRED: &str =
    "UPDATE workers SET gone_at = $1, orphans = true WHERE gone_at IS NULL AND lease_until < $1";

/// Timers that are due, with how their runs stand. How many one look sees at most stands here: a thousand. The order of
/// a cross join is kept.
pub(super) const DUE: &str =
    "SELECT t.due_at, t.run_key, r.state, r.due_at AS own
     FROM (SELECT due_at, run_key FROM timers WHERE due_at <= $1 ORDER BY due_at, run_key LIMIT 1000) t
     LEFT JOIN runs r ON r.run_key = t.run_key ORDER BY t.due_at, t.run_key";
/// Whether a look at the clock finds anything, and what is due next. `$1` now.
pub(super) const CLOCK: &str =
    "SELECT EXISTS (SELECT 1 FROM workers WHERE gone_at IS NULL AND lease_until < $1),
            (SELECT min(due_at) FROM timers), (SELECT min(due_at) FROM endings),
             (SELECT min(due_at) FROM schedules)";

/// Takes away what was found due. `$1` and `$2` the last of it.
pub(super) const DISARM_DUE: &str = "DELETE FROM timers WHERE (due_at, run_key) <= ($1, $2)";

/// Takes away the timers of runs that go on before their time.
pub(super) static DISARM: Bulk = Bulk::new(
    "DELETE FROM timers WHERE (due_at, run_key) IN (
         SELECT due_at, run_key FROM runs WHERE due_at IS NOT NULL AND run_key IN (VALUES ",
    1,
    "))",
);
pub(super) static WAKE_DUE: Bulk = Bulk::new(
    "UPDATE runs SET state = 'pending', waiting = NULL, due_at = NULL WHERE run_key IN (VALUES ",
    1,
    ")",
);
/// Tells runs that are driven.
pub(super) static RAISE_WAKES: Bulk = Bulk::new(
    "UPDATE runs SET wakes = wakes + 1 WHERE run_key IN (VALUES ",
    1,
    ")",
);
/// Puts runs into the queue, by their keys.
pub(super) static ENQUEUE: Bulk = Bulk::new(
    concat!(
        "INSERT INTO queue ",
        place_columns!(),
        " SELECT ",
        place!(""),
        " FROM runs WHERE run_key IN (VALUES "
    ),
    1,
    ")",
);

#[async_trait]
impl Queue for SqliteStore {
    async fn register(&self, worker: &NewWorker) -> StoreResult<Registered> {
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

    async fn beat(
        &self,
        worker: WorkerKey,
        _serves: &Serves,
        running: &[RunningStep],
    ) -> StoreResult<Beat> {
        Ok(Beat {
            lease: self.heartbeat(worker, running).await?,
            wish: self.wished(worker).await?.unwrap_or_default(),
            tick: self.tick().await?,
            now: self.now().await?,
            work: true,
        })
    }

    async fn deregister(&self, worker: WorkerKey) -> StoreResult<()> {
        self.declare_gone(worker, true).await.map(drop)
    }

    async fn bury(&self, worker: WorkerKey) -> StoreResult<bool> {
        self.declare_gone(worker, false).await
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

    async fn claim_limited(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<LimitedClaim> {
        self.write_limited_claims(worker, serves, limit)
            .await
            .map_err(|e| self.error(e))
    }

    async fn claim_one(
        &self,
        worker: WorkerKey,
        run: &RunId,
        limits: &Limits,
    ) -> StoreResult<ClaimOne> {
        self.write_claim(worker, run.key(), limits)
            .await
            .map_err(|e| self.error(e))
    }
}

impl SqliteStore {
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

    async fn write_tick(&self) -> Result<Tick, Failure> {
        let mut tick = Tick::default();
        // Most looks find nothing, and those keep nobody from writing.
        let (mut found, now) = (self.look().await?, now());
        let any_to_end = found.next_ending.is_some_and(|due| due <= now);
        let any_to_wake = found.next_timer.is_some_and(|due| due <= now);
        if any_to_end {
            self.end_due(now).await?;
        }
        if any_to_wake || found.any_dead {
            let mut tx = self.writer().begin().await?;
            let buried = sqlx::query(BURY_EXPIRED)
                .bind(tx.now.as_micros())
                .execute(&mut *tx)
                .await?;
            tick.buried = buried.rows_affected();
            tick.woken = wake_due(&mut tx).await?;
            tx.commit().await?;
        }
        if any_to_end || any_to_wake {
            found = self.look().await?;
        }
        let next = found.next_timer.into_iter().chain(found.next_ending).min();
        tick.next_due = next.map(|next| now.until(next));
        tick.schedule_due = found.next_schedule.map(|next| now.until(next));
        Ok(tick)
    }

    async fn look(&self) -> Result<Looked, sqlx::Error> {
        let (any_dead, timer, ending, schedule): (bool, Option<i64>, Option<i64>, Option<i64>) =
            sqlx::query_as(CLOCK)
                .bind(now().as_micros())
                .fetch_one(self.readers())
                .await?;
        Ok(Looked {
            any_dead,
            next_timer: timer.map(Timestamp::from_micros),
            next_ending: ending.map(Timestamp::from_micros),
            next_schedule: schedule.map(Timestamp::from_micros),
        })
    }

    /// Ends runs that are to be ended by now, each in a transaction of its own.
    async fn end_due(&self, now: Timestamp) -> Result<(), Failure> {
        let mut tx = self.writer().begin().await?;
        sqlx::query(sql::FORGET_ENDINGS)
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await?;
        let rows = sqlx::query(sql::ENDINGS)
            .bind(now.as_micros())
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        for row in &rows {
            let run = RunKey::from_uuid(row.uuid("run_key")?);
            self.write_act(run, &Act::End(row::cause(row)?)).await?;
        }
        Ok(())
    }
}

/// What a look at the clock finds.
#[derive(Debug)]
struct Looked {
    any_dead: bool,
    next_timer: Option<Timestamp>,
    next_ending: Option<Timestamp>,
    next_schedule: Option<Timestamp>,
}

/// Looks at runs whose time has come. One is claimable, if it waits for that time or for nothing else; one that is
/// driven hears of it; for any other it means nothing.
async fn wake_due(tx: &mut Writing<'_>) -> Result<u64, Failure> {
    let now = tx.now.as_micros();
    let due = sqlx::query(DUE).bind(now).fetch_all(&mut **tx).await?;
    let (mut waking, mut driven) = (BTreeSet::new(), BTreeSet::new());
    for row in &due {
        let run = RunKey::from_uuid(row.uuid("run_key")?);
        // Without a run there is nothing to look at.
        let state = row.text_or_null("state")?;
        match state.as_deref().and_then(RunState::from_word) {
            Some(RunState::Waiting) => waking.insert(run),
            Some(RunState::Pending) if row.big_or_null("own")? == Some(row.big("due_at")?) => {
                waking.insert(run)
            }
            Some(RunState::Running) => driven.insert(run),
            _ => false,
        };
    }
    let Some(last) = due.last() else {
        return Ok(0);
    };
    sqlx::query(DISARM_DUE)
        .bind(last.big("due_at")?)
        .bind(last.uuid("run_key")?)
        .execute(&mut **tx)
        .await?;
    let (waking, driven) = (Vec::from_iter(waking), Vec::from_iter(driven));
    execute_for(tx, &DISARM, &waking).await?;
    execute_for(tx, &WAKE_DUE, &waking).await?;
    execute_for(tx, &ENQUEUE, &waking).await?;
    execute_for(tx, &RAISE_WAKES, &driven).await?;
    Ok((waking.len() + driven.len()) as u64)
}

/// Executes a statement that takes nothing but keys.
pub(super) async fn execute_for(
    connection: &mut SqliteConnection,
    statement: &'static Bulk,
    runs: &[RunKey],
) -> Result<(), sqlx::Error> {
    for (sql, part) in statement.parts(runs) {
        let mut query = sqlx::query(sql);
        for run in part {
            query = query.bind(run.uuid());
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
