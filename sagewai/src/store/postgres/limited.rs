//! Claims of workflows with limits.
//!
//! Under `READ COMMITTED` a statement that has waited for a lock still counts by what it saw before. So these claims are
//! transactions, one at a time for each workflow: they lock, then count, then take. A run that ends or goes to sleep
//! meanwhile is counted or not, either of which keeps the limits.

use std::time::Duration;

use sqlx::PgConnection;

use super::PostgresStore;
use super::claim::{CLAIM_LIMITED, CLAIM_ONE_LIMITED, Taken};
use crate::model::{
    Admitted, Candidate, Limited, LimitedClaim, Limits, Rate, RunKey, RunState, Serves, Timestamp,
    Usage, WorkerKey,
};
use crate::store::failure::Failure;
use crate::store::row::{self, Cells};
use crate::store::{StoreResult, columns, sql};

/// Those workflows of which there may be something to claim. `$1` workflows, `$2` pool, `$3` labels. (What is asked in
/// this way is not looked for in the whole queue.)
pub(super) const QUEUED: &str = "
SELECT DISTINCT s.workflow FROM queues s
WHERE s.workflow = ANY($1) AND s.pool = $2 AND CAST($3 AS jsonb) @> s.labels
  AND coalesce((SELECT true FROM queue q WHERE q.queue_id = s.queue_id LIMIT 1),
               (SELECT true FROM workers w WHERE w.orphans LIMIT 1), false)";

/// Keeps other claims of this workflow, `$1`, away until the end of the transaction. If this process is stopped or cut
/// off before that, the server ends it soon.
pub(super) const LOCK: &str = "
SELECT set_config('idle_in_transaction_session_timeout', '5s', true), set_config('lock_timeout', '2s', true),
       pg_advisory_xact_lock(hashtextextended(current_schema() || '/' || $1, 0))";

/// What of its limits a workflow, `$1`, has used up: of each lane the runs that are driven, and those that have begun, with
/// until when they count. Slots that are not held any more are deleted. (The sum in `until + 0` keeps away the index by
/// time, which leads to those of other workflows.) There is always one row, for the time, and whether there may be runs
/// of workers that are gone.
pub(super) const USED: &str = "
WITH clock AS MATERIALIZED (SELECT now_us() AS now),
slotted AS MATERIALIZED (
    SELECT s.run_key, s.lane,
           coalesce((SELECT r.state = 'running' FROM runs r WHERE r.run_key = s.run_key), false) AS driven
    FROM slots s WHERE s.workflow = $1
),
freed AS (
    DELETE FROM slots s WHERE s.workflow = $1 AND s.run_key = ANY (ARRAY(SELECT run_key FROM slotted WHERE NOT driven))
)
SELECT '' AS lane, 0::bigint AS runs, NULL::bigint AS until, now,
       coalesce((SELECT true FROM workers w WHERE w.orphans LIMIT 1), false) AS orphans FROM clock
UNION ALL
SELECT h.lane, count(*), NULL, 0, false FROM slotted h WHERE h.driven GROUP BY h.lane
UNION ALL
SELECT p.lane, p.runs, p.until, 0, false FROM pace p WHERE p.workflow = $1 AND p.until + 0 > (SELECT now FROM clock)";

/// The first runs of each lane that may go on, oldest first. `$1` workflow, `$2` pool, `$3` labels, `$4` lanes that are
/// full, `$5` lanes of which nothing can begin, `$6` whether anything can begin at all, `$7` how many are wanted, `$8` how
/// many there can be of one lane, `$9` the version of the workflow.
///
/// From one lane to the next it goes by the index, however many runs there are in each; and only lanes whose first run is
/// among the oldest are looked into. Among runs without a key, it looks a little further for one that has begun.
pub(super) const CANDIDATES: &str = "
WITH RECURSIVE served AS MATERIALIZED (
    SELECT queue_id FROM queues WHERE workflow = $1 AND version = $9 AND pool = $2 AND CAST($3 AS jsonb) @> labels
),
heads AS (
    SELECT s.queue_id, h.lane, h.fresh, h.since FROM served s CROSS JOIN LATERAL (
        SELECT q.lane, q.fresh, q.since FROM queue q WHERE q.queue_id = s.queue_id
        ORDER BY q.lane, q.fresh, q.since, q.run_key LIMIT 1
    ) h
    UNION ALL
    SELECT l.queue_id, h.lane, h.fresh, h.since FROM heads l CROSS JOIN LATERAL (
        SELECT q.lane, q.fresh, q.since FROM queue q
        WHERE q.queue_id = l.queue_id AND (q.lane, q.fresh) > (l.lane, l.fresh)
        ORDER BY q.lane, q.fresh, q.since, q.run_key LIMIT 1
    ) h
),
best AS MATERIALIZED (
    SELECT queue_id, lane, fresh FROM heads
    WHERE lane NOT IN (SELECT unnest($4::text[]))
      AND NOT (fresh AND (NOT $6 OR lane IN (SELECT unnest($5::text[]))))
    ORDER BY since LIMIT $7 + 20
)
SELECT p.lane, p.run_key,
       CASE WHEN p.lane = '' THEN (SELECT r.epoch = 0 FROM runs r WHERE r.run_key = p.run_key) ELSE p.fresh END AS first
FROM best b CROSS JOIN LATERAL (
    SELECT q.lane, q.fresh, q.since, q.run_key FROM queue q
    WHERE q.queue_id = b.queue_id AND q.lane = b.lane AND q.fresh = b.fresh
    ORDER BY q.since, q.run_key LIMIT CASE WHEN b.lane = '' THEN $7 + 100 ELSE $8 END
) p
ORDER BY p.since, p.run_key";

/// Which of these lanes, `$4`, have runs that have not begun. `$1` workflow, `$2` pool, `$3` labels, `$5`
/// version.
pub(super) const HELD_BACK: &str = "
SELECT u.lane FROM unnest($4::text[]) u (lane)
WHERE (
    SELECT true FROM queues s CROSS JOIN LATERAL (
        SELECT q.run_key FROM queue q WHERE q.queue_id = s.queue_id AND q.lane = u.lane AND q.fresh LIMIT 1
    ) q
    WHERE s.workflow = $1 AND s.version = $5 AND s.pool = $2 AND CAST($3 AS jsonb) @> s.labels LIMIT 1
)";

impl PostgresStore {
    pub(super) async fn claim_all_limited(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<LimitedClaim> {
        let mut claim = LimitedClaim::default();
        let queued = self.queued(serves).await.map_err(|e| self.error(e))?;
        for limited in &serves.limited {
            let wanted = limit as usize - claim.runs.len();
            if wanted > 0 && queued.contains(&limited.workflow) {
                let claimed = || self.claim_of(worker, serves, limited, wanted);
                let (taken, again) = self.through_clashes(claimed).await?;
                claim.runs.extend(taken.runs);
                claim.again = claim.again.into_iter().chain(again).min();
            }
        }
        Ok(claim)
    }

    async fn queued(&self, serves: &Serves) -> Result<Vec<String>, sqlx::Error> {
        let workflows = serves.limited.iter();
        let workflows: Vec<&str> = workflows.map(|l| l.workflow.as_str()).collect();
        sqlx::query_scalar(QUEUED)
            .bind(workflows)
            .bind(&serves.pool)
            .bind(serves.labels.to_json())
            .fetch_all(self.pool())
            .await
    }

    /// Claims runs of one workflow; says when a rate lets the next one begin.
    async fn claim_of(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limited: &Limited,
        wanted: usize,
    ) -> Result<(Taken, Option<Duration>), Failure> {
        let Limited {
            workflow,
            version,
            limits,
        } = limited;
        let mut tx = self.pool().begin().await?;
        let Counted {
            usage,
            now,
            orphans,
        } = count(&mut tx, workflow).await?;
        let admitted = admit(&mut tx, serves, limited, usage, wanted, now).await?;
        let again = admitted.again_at.map(|at| now.until(at));
        let runs: Vec<_> = admitted.runs.iter().map(|run| run.uuid()).collect();
        if runs.is_empty() && !orphans {
            tx.commit().await?;
            return Ok((Taken::default(), again));
        }
        let rows = sqlx::query(CLAIM_LIMITED)
            .bind(worker.uuid())
            .bind(workflow)
            .bind(&serves.pool)
            .bind(serves.labels.to_json())
            .bind(rows_of(wanted))
            .bind(runs)
            .bind(limits.rate.map(per))
            .bind(limits.rate_per_key.map(per))
            .bind(columns::count(*version))
            .fetch_all(&mut *tx)
            .await?;
        let taken = Taken::read(&rows, wanted)?;
        tx.commit().await?;
        Ok((taken, again))
    }

    /// Claims one run, if the limits of its workflow let it.
    pub(super) async fn claim_one_limited(
        &self,
        worker: WorkerKey,
        run: RunKey,
        limits: &Limits,
    ) -> Result<Taken, Failure> {
        let Some(found) = self.read_run(run).await? else {
            return Ok(Taken::default());
        };
        let workflow = &found.workflow;
        let mut tx = self.pool().begin().await?;
        let Counted { usage, now, .. } = count(&mut tx, workflow).await?;
        let found = sqlx::query(sql::RUN).bind(run.uuid());
        let found = row::run(&found.fetch_one(&mut *tx).await?)?;
        if found.state == RunState::Pending {
            let candidate = Candidate {
                lane: found.concurrency_key.unwrap_or_default(),
                run,
                first: found.started_at.is_none(),
            };
            let admitted = usage.admit(limits, &[candidate], 1, now);
            if admitted.runs.is_empty() {
                tx.rollback().await?;
                return Ok(Taken::default());
            }
        }
        let rows = sqlx::query(CLAIM_ONE_LIMITED)
            .bind(worker.uuid())
            .bind(vec![run.uuid()])
            .bind(workflow)
            .bind(limits.rate.map(per))
            .bind(limits.rate_per_key.map(per))
            .fetch_all(&mut *tx)
            .await?;
        let taken = Taken::read(&rows, 1)?;
        tx.commit().await?;
        Ok(taken)
    }
}

/// How a workflow stands.
struct Counted {
    usage: Usage,
    now: Timestamp,
    /// Whether there may be runs of workers that are gone.
    orphans: bool,
}

/// Locks a workflow against other claims, and counts what of its limits is used up.
async fn count(connection: &mut PgConnection, workflow: &str) -> Result<Counted, Failure> {
    sqlx::query(LOCK)
        .bind(workflow)
        .execute(&mut *connection)
        .await?;
    let rows = sqlx::query(USED)
        .bind(workflow)
        .fetch_all(connection)
        .await?;
    let mut usage = Usage::default();
    let (mut now, mut orphans) = (0, false);
    for row in &rows {
        let (lane, runs) = (row.text("lane")?, row.big("runs")?);
        let runs = u32::try_from(runs).unwrap_or(u32::MAX);
        match row.big_or_null("until")? {
            Some(until) => usage.add_begun(&lane, Timestamp::from_micros(until), runs),
            None => usage.add_running(&lane, runs),
        }
        now = now.max(row.big("now")?);
        orphans |= row.flag_or_null("orphans")? == Some(true);
    }
    Ok(Counted {
        usage,
        now: Timestamp::from_micros(now),
        orphans,
    })
}

/// Which queued runs may go on.
async fn admit(
    connection: &mut PgConnection,
    serves: &Serves,
    limited: &Limited,
    usage: Usage,
    wanted: usize,
    now: Timestamp,
) -> Result<Admitted, Failure> {
    let Limited {
        workflow,
        version,
        limits,
    } = limited;
    let mut admitted = Admitted::default();
    if usage.room(limits) == 0 {
        // Who is held back by a rate too will find out when there is room.
        return Ok(admitted);
    }
    let paced = usage.paced_lanes(limits);
    let paced_lanes: Vec<&str> = paced.iter().map(|(lane, _)| lane.as_str()).collect();
    let held = usage.free_at(limits);
    let rows = sqlx::query(CANDIDATES)
        .bind(workflow)
        .bind(&serves.pool)
        .bind(serves.labels.to_json())
        .bind(usage.full_lanes(limits))
        .bind(&paced_lanes)
        .bind(held.is_none())
        .bind(rows_of(wanted))
        .bind(rows_of(limits.most_of_a_key(wanted)))
        .bind(columns::count(*version))
        .fetch_all(&mut *connection)
        .await?;
    let mut candidates = Vec::with_capacity(rows.len());
    for row in &rows {
        candidates.push(Candidate {
            lane: row.text("lane")?,
            run: RunKey::from_uuid(row.uuid("run_key")?),
            first: row.flag_or_null("first")?.unwrap_or(false),
        });
    }
    let mut lanes_held: Vec<String> = Vec::new();
    if !paced_lanes.is_empty() {
        lanes_held = sqlx::query_scalar(HELD_BACK)
            .bind(workflow)
            .bind(&serves.pool)
            .bind(serves.labels.to_json())
            .bind(&paced_lanes)
            .bind(columns::count(*version))
            .fetch_all(connection)
            .await?;
    }
    admitted = usage.admit(limits, &candidates, wanted, now);
    let of_lanes = paced.iter().filter(|(lane, _)| lanes_held.contains(lane));
    for at in held.into_iter().chain(of_lanes.map(|(_, at)| *at)) {
        admitted.hold_until(at);
    }
    Ok(admitted)
}

fn per(rate: Rate) -> i64 {
    columns::micros(rate.per)
}

fn rows_of(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 8)
}
