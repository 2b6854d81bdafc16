//! Claims and leases.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStore;
use super::claim::{CLAIM, CLAIM_THESE, Taken, claim_by};
use crate::model::{
    Act, Beat, Cause, ClaimOne, Claimed, Lease, LimitedClaim, Limits, NewWorker, Registered, RunId,
    RunKey, RunningStep, Serves, Tick, Timestamp, Wish, WorkerKey,
};
use crate::store::failure::Failure;
use crate::store::row::Cells;
use crate::store::{Queue, StoreResult, columns, row, sql};

pub(super) const REGISTER: &str = sql::register!(now: "now_us()", labels: "CAST($4 AS jsonb)");
pub(super) const BURY: &str = sql::bury!("now_us()");

/// The most timers that one look at the clock sees.
const SEEN_MAX: i64 = 1_000;
/// When runs are looked at again that somebody else had locked.
const SKIPPED_AGAIN: Duration = Duration::from_millis(5);
/// How many runs are ended at once; each takes a connection.
const ENDS_AT_ONCE: usize = 4;

/// Extends the lease of a worker that is not gone, and leaves out of what it holds the runs that it has not any more.
/// `$1` worker, `$2` what it executes, as JSON.
///
/// A run that another claim takes for it meanwhile stands in the row of that claim, which this does not see.
macro_rules! heartbeat {
    () => {
        concat!(
            "beat AS (",
            sql::heartbeat!("now_us()"),
            " RETURNING worker, wish),
    noted AS (DELETE FROM held h USING beat b WHERE h.worker = b.worker RETURNING h.runs),
    still AS (
        SELECT array_agg(DISTINCT r.run_key) AS runs
        FROM noted n CROSS JOIN unnest(n.runs) k (run_key) JOIN runs r ON r.run_key = k.run_key
        WHERE r.worker = $1 AND r.state = 'running'
    ),
    noted_again AS (
        INSERT INTO held (worker, claim, runs)
        SELECT $1, gen_random_uuid(), runs FROM still WHERE runs IS NOT NULL
    )"
        )
    };
}

/// Looks at the clock. A run whose time has come is claimable, if it waits for that time or for nothing else; one that is
/// driven hears of it; for any other it means nothing. Runs are locked before their timers are touched, which is the
/// order that everybody keeps; those that somebody else has locked are left for the next look, which is soon.
///
/// A mark for orphans goes when the last of them has another worker: since a claim locks its worker's row, no claim
/// of a worker that is gone can be on its way any more.
///
/// `looked` must stay a table of its own, for the reason that [`CLAIM`]'s `chosen` must. `$mine` leaves out the worker
/// that looks, where it does, and `$most` is how many timers are seen at most.
macro_rules! look_at_the_clock {
    (mine: $mine:literal, most: $most:literal) => {
        concat!(
            "clock AS MATERIALIZED (SELECT now_us() AS now),
buried AS (
    UPDATE workers w SET gone_at = c.now, orphans = true FROM clock c
    WHERE w.gone_at IS NULL AND w.lease_until < c.now",
            $mine,
            "
    RETURNING w.worker
),
settled AS (
    UPDATE workers w SET orphans = false
    WHERE w.orphans
      AND (SELECT r.run_key
           FROM held h CROSS JOIN unnest(h.runs) k (run_key) JOIN runs r ON r.run_key = k.run_key
           WHERE h.worker = w.worker AND r.worker = w.worker AND r.state = 'running' LIMIT 1) IS NULL
    RETURNING w.worker
),
let_go AS (DELETE FROM held h USING settled s WHERE h.worker = s.worker),
seen AS MATERIALIZED (
    SELECT t.due_at, t.run_key FROM timers t WHERE t.due_at <= (SELECT now FROM clock) ORDER BY t.due_at LIMIT ",
            $most,
            "
),
due AS MATERIALIZED (
    SELECT t.due_at, t.run_key, r.state, r.due_at AS own
    FROM seen s JOIN timers t ON t.due_at = s.due_at AND t.run_key = s.run_key JOIN runs r ON r.run_key = t.run_key
    FOR UPDATE OF r, t SKIP LOCKED
),
looked AS MATERIALIZED (
    SELECT run_key FROM due WHERE state IN ('waiting', 'running') OR (state = 'pending' AND due_at = own)
    GROUP BY run_key
),
of_nobody AS (
    DELETE FROM timers t USING seen s
    WHERE t.due_at = s.due_at AND t.run_key = s.run_key
      AND NOT EXISTS (SELECT FROM runs r WHERE r.run_key = s.run_key)
    RETURNING t.run_key
),
disarmed AS (DELETE FROM timers t USING due d WHERE t.due_at = d.due_at AND t.run_key = d.run_key),
disarmed_early AS (
    DELETE FROM timers t USING due d
    WHERE d.state = 'waiting' AND d.own > (SELECT now FROM clock) AND t.due_at = d.own AND t.run_key = d.run_key
),
woken AS (
    UPDATE runs r
    SET state = CASE r.state WHEN 'running' THEN 'running' ELSE 'pending' END,
        wakes = CASE r.state WHEN 'running' THEN r.wakes + 1 ELSE r.wakes END,
        waiting = NULL, due_at = NULL
    FROM looked l WHERE r.run_key = l.run_key
    RETURNING r.queue_id, r.away_id, r.lane, r.epoch, r.priority, r.created_at, r.run_key, r.state
),
queued AS (
    INSERT INTO queue ",
            sql::place_columns!(),
            " SELECT ",
            sql::place!(""),
            " FROM woken WHERE state = 'pending'
)"
        )
    };
}

/// What a look at the clock found, as [`Looked::of`] reads it.
macro_rules! found_by_the_clock {
    () => {
        "(SELECT count(*) FROM buried) AS buried, (SELECT count(*) FROM woken) AS woken,
       (SELECT count(*) FROM seen) AS seen,
       (SELECT count(*) FROM seen) - (SELECT count(*) FROM due) - (SELECT count(*) FROM of_nobody) AS skipped,
       (SELECT now FROM clock) AS now,
       (SELECT t.due_at FROM timers t WHERE t.due_at > (SELECT now FROM clock) ORDER BY t.due_at LIMIT 1) AS timer,
       (SELECT e.due_at FROM endings e WHERE e.due_at > 0 ORDER BY e.due_at LIMIT 1) AS ending,
       (SELECT s.due_at FROM schedules s WHERE s.due_at IS NOT NULL ORDER BY s.due_at LIMIT 1) AS schedule"
    };
}

pub(super) const HEARTBEAT: &str = concat!("WITH ", heartbeat!(), " SELECT count(*) FROM beat");

/// `$1` how many timers are seen at most.
pub(super) const TICK: &str = concat!(
    "WITH ",
    look_at_the_clock!(mine: "", most: "$1"),
    " SELECT ",
    found_by_the_clock!()
);

/// A heartbeat, a look at the clock, and whether there is something to claim, be it only by its queue. `$1` and `$2` as
/// for a heartbeat; `$3` workflows, `$4` pool, `$5` labels, `$6` how many timers are seen at most, `$7` versions of the
/// workflows.
pub(super) const BEAT: &str = concat!(
    "WITH ",
    heartbeat!(),
    ",",
    look_at_the_clock!(mine: " AND w.worker <> $1", most: "$6"),
    " SELECT ",
    found_by_the_clock!(),
    ", (SELECT wish FROM beat) AS wish,
       EXISTS (SELECT FROM workers w WHERE w.orphans)
       OR EXISTS (SELECT FROM assignments a WHERE a.worker = $1 AND a.run_key IS NOT NULL)
       OR EXISTS (
           SELECT FROM queues s
           CROSS JOIN LATERAL (SELECT FROM queue q WHERE q.queue_id = s.queue_id LIMIT 1) q
           WHERE s.workflow = ANY($3) AND s.pool = $4 AND CAST($5 AS jsonb) @> s.labels
             AND EXISTS (SELECT FROM unnest($3::text[], $7::integer[]) u (workflow, version)
                         WHERE u.workflow = s.workflow AND u.version = s.version)
       ) AS work"
);

/// Takes a worker's own runs again. `$1` the worker, `$2` those that it drives.
pub(super) const STRAYS: &str = "
WITH me AS MATERIALIZED (
    SELECT worker FROM workers WHERE worker = $1 AND gone_at IS NULL AND lease_until > now_us() FOR SHARE
)
UPDATE runs r SET epoch = r.epoch + 1
FROM me JOIN held h ON h.worker = me.worker CROSS JOIN unnest(h.runs) k (run_key)
WHERE r.run_key = k.run_key AND r.worker = $1 AND r.state = 'running' AND r.run_key <> ALL($2)
RETURNING r.run_key";

/// How often a claim looks again when others were faster.
const LOOKS_MAX: u32 = 4;

/// What a look at the clock found.
#[derive(Debug)]
struct Looked {
    buried: i64,
    woken: i64,
    seen: i64,
    skipped: i64,
    now: i64,
    next_timer: Option<i64>,
    next_ending: Option<i64>,
    next_schedule: Option<i64>,
}

impl Looked {
    fn of(row: &PgRow) -> Result<Looked, Failure> {
        Ok(Looked {
            buried: row.big("buried")?,
            woken: row.big("woken")?,
            seen: row.big("seen")?,
            skipped: row.big("skipped")?,
            now: row.big("now")?,
            next_timer: row.big_or_null("timer")?,
            next_ending: row.big_or_null("ending")?,
            next_schedule: row.big_or_null("schedule")?,
        })
    }

    fn any_to_end(&self) -> bool {
        self.next_ending.is_some_and(|due_at| due_at <= self.now)
    }

    fn next_due(&self) -> Option<Duration> {
        // More may be due than one look sees.
        let more = (self.seen == SEEN_MAX).then_some(Duration::ZERO);
        let skipped = (self.skipped > 0).then_some(SKIPPED_AGAIN);
        let until = |due_at: i64| Duration::from_micros((due_at - self.now).unsigned_abs());
        let next = self.next_timer.into_iter().chain(self.next_ending);
        let next = next.min().map(until);
        [more, skipped, next].into_iter().flatten().min()
    }
}

#[async_trait]
impl Queue for PostgresStore {
    async fn register(&self, worker: &NewWorker) -> StoreResult<Registered> {
        self.write_worker(worker).await.map_err(|e| self.error(e))
    }

    async fn heartbeat(&self, worker: WorkerKey, running: &[RunningStep]) -> StoreResult<Lease> {
        let extended: i64 = sqlx::query_scalar(HEARTBEAT)
            .bind(worker.uuid())
            .bind(columns::json(running))
            .fetch_one(self.pool())
            .await
            .map_err(|e| self.error(e))?;
        Ok(match extended {
            0 => Lease::Lost,
            _ => Lease::Kept,
        })
    }

    async fn beat(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        running: &[RunningStep],
    ) -> StoreResult<Beat> {
        let found = self.through_clashes(|| self.beat_once(worker, serves, running));
        let (looked, wish, work) = found.await?;
        let tick = self.follow(&looked).await?;
        Ok(Beat {
            lease: wish.map_or(Lease::Lost, |_| Lease::Kept),
            wish: wish.unwrap_or_default(),
            now: Timestamp::from_micros(looked.now),
            work: work || tick.woken + tick.buried > 0,
            tick,
        })
    }

    async fn deregister(&self, worker: WorkerKey) -> StoreResult<()> {
        self.write_death(worker, true).await.map(drop)
    }

    async fn bury(&self, worker: WorkerKey) -> StoreResult<bool> {
        self.write_death(worker, false).await
    }

    async fn tick(&self) -> StoreResult<Tick> {
        let looked = self.through_clashes(|| self.look_at_clock()).await?;
        self.follow(&looked).await
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
            let room = limit as usize - claimed.len();
            if taken.assigned && room > 0 {
                let taken = self.through_clashes(|| self.claim_assigned(worker, serves, room));
                claimed.extend(taken.await?.runs);
            }
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

    async fn claim_limited(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<LimitedClaim> {
        let mut claim = self.claim_all_limited(worker, serves, limit).await?;
        self.complete(&mut claim.runs)
            .await
            .map_err(|e| self.error(e))?;
        Ok(claim)
    }

    async fn claim_one(
        &self,
        worker: WorkerKey,
        run: &RunId,
        limits: &Limits,
    ) -> StoreResult<ClaimOne> {
        let key = run.key();
        let taken = self.through_clashes(|| async {
            if limits.are_any() {
                return self.claim_one_limited(worker, key, limits).await;
            }
            let rows = sqlx::query(CLAIM_THESE)
                .bind(worker.uuid())
                .bind(vec![key.uuid()])
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
    async fn look_at_clock(&self) -> Result<Looked, Failure> {
        let found = sqlx::query(TICK)
            .bind(SEEN_MAX)
            .fetch_one(self.pool())
            .await?;
        Looked::of(&found)
    }

    async fn beat_once(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        running: &[RunningStep],
    ) -> Result<(Looked, Option<Wish>, bool), Failure> {
        let (workflows, versions) = columns::served(&serves.all());
        let found = sqlx::query(BEAT)
            .bind(worker.uuid())
            .bind(columns::json(running))
            .bind(workflows)
            .bind(&serves.pool)
            .bind(serves.labels.to_json())
            .bind(SEEN_MAX)
            .bind(versions)
            .fetch_one(self.pool())
            .await?;
        let wish = found.text_or_null("wish")?;
        let wish = wish.map(|word| row::wish(&word)).transpose()?;
        Ok((Looked::of(&found)?, wish, found.try_get("work")?))
    }

    /// Tells others of what a look at the clock has changed, and ends what is to be ended.
    async fn follow(&self, looked: &Looked) -> StoreResult<Tick> {
        let (buried, woken) = (looked.buried.unsigned_abs(), looked.woken.unsigned_abs());
        if woken + buried > 0 {
            self.tell_work();
        }
        let next_due = if looked.any_to_end() {
            self.end_due(looked.now).await?;
            // Parents and children of theirs are due by now.
            Some(Duration::ZERO)
        } else {
            looked.next_due()
        };
        let until = |at: i64| Duration::from_micros((at - looked.now).max(0).unsigned_abs());
        Ok(Tick {
            woken,
            buried,
            next_due,
            schedule_due: looked.next_schedule.map(until),
        })
    }

    /// Ends runs that are to be ended by now, each in a transaction of its own.
    async fn end_due(&self, now: i64) -> StoreResult<()> {
        let due = self.read_endings(now).await.map_err(|e| self.error(e))?;
        let ends = due.into_iter().map(|(run, cause)| async move {
            self.do_act(run, &Act::End(cause)).await?;
            Ok(())
        });
        futures_util::stream::iter(ends)
            .buffer_unordered(ENDS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn read_endings(&self, now: i64) -> Result<Vec<(RunKey, Cause)>, Failure> {
        sqlx::query(sql::FORGET_ENDINGS)
            .bind(now)
            .execute(self.pool())
            .await?;
        let rows = sqlx::query(sql::ENDINGS)
            .bind(now)
            .fetch_all(self.pool())
            .await?;
        let ending = |row: &PgRow| {
            let run = RunKey::from_uuid(row.uuid("run_key")?);
            Ok((run, row::cause(row)?))
        };
        rows.iter().map(ending).collect()
    }

    async fn claim_once(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        wanted: usize,
    ) -> Result<Taken, Failure> {
        let rows = claim_by(CLAIM, worker, serves, wanted)
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
