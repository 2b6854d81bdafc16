//! Claims of workflows with limits. The write lock is held throughout, so what is counted stays true.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::SqliteStore;
use super::bulk::Bulk;
use super::claim::{found, living, orphans, served, take};
use super::writer::Writing;
use crate::model::{
    Admitted, Candidate, Claimed, Limited, LimitedClaim, Limits, RunKey, RunState, Serves,
    Timestamp, Usage, WorkerKey,
};
use crate::store::columns;
use crate::store::failure::Failure;

/// Deletes what holds no slot any more. `$1` workflow.
pub(super) const FREE_SLOTS: &str = "DELETE FROM slots WHERE workflow = $1 AND NOT EXISTS (
         SELECT 1 FROM runs r WHERE r.run_key = slots.run_key AND r.state = 'running')";
/// How many runs of each lane are driven. `$1` workflow.
pub(super) const SLOTS: &str = "SELECT lane, count(*) FROM slots WHERE workflow = $1 GROUP BY lane";
/// What has begun and still counts. `$1` workflow, `$2` now.
pub(super) const PACE: &str =
    "SELECT lane, until, runs FROM pace WHERE workflow = $1 AND until > $2";
/// `$1` now.
pub(super) const FORGET_PACE: &str = "DELETE FROM pace WHERE until <= $1";
/// `$1` workflow, `$2` lane, `$3` until, `$4` how many.
pub(super) const ADD_PACE: &str =
    "INSERT INTO pace (workflow, lane, until, runs) VALUES ($1, $2, $3, $4)
     ON CONFLICT (workflow, lane, until) DO UPDATE SET runs = runs + excluded.runs";

/// The lanes of a queue whose first runs may go on, with since when these wait. `$1` queue, `$2` lanes that are full, `$3`
/// lanes of which nothing can begin, both as JSON, `$4` whether anything can begin at all, `$5` how many are wanted. From
/// one lane to the next it goes by the key.
pub(super) const HEADS: &str = "
WITH RECURSIVE lanes (lane) AS (
    SELECT min(lane) FROM queue WHERE queue_id = $1
    UNION ALL
    SELECT (SELECT min(q.lane) FROM queue q WHERE q.queue_id = $1 AND q.lane > lanes.lane) FROM lanes
    WHERE lanes.lane IS NOT NULL
),
heads AS (
    SELECT l.lane, f.fresh, (
        SELECT min(q.since) FROM queue q WHERE q.queue_id = $1 AND q.lane = l.lane AND q.fresh = f.fresh
    ) AS since
    FROM lanes l CROSS JOIN (SELECT 0 AS fresh UNION ALL SELECT 1) f
    WHERE l.lane IS NOT NULL AND l.lane NOT IN (SELECT value FROM json_each($2))
      AND NOT (f.fresh AND (NOT $4 OR l.lane IN (SELECT value FROM json_each($3))))
)
SELECT lane, fresh, since FROM heads WHERE since IS NOT NULL ORDER BY since LIMIT $5 + 20";

/// The first runs of a lane, and whether each has not begun. `$1` queue, `$2` lane, `$3` fresh ones, `$4` how many.
pub(super) const FIRST_OF_LANE: &str = "SELECT q.since, q.lane, q.run_key, (
         SELECT r.epoch = 0 FROM runs r WHERE r.run_key = q.run_key)
     FROM queue q WHERE q.queue_id = $1 AND q.lane = $2 AND q.fresh = $3
     ORDER BY q.queue_id, q.lane, q.fresh, q.since, q.run_key LIMIT $4";

/// Whether a lane has runs that have not begun. `$1` queue, `$2` lane.
pub(super) const HAS_FRESH: &str =
    "SELECT EXISTS (SELECT 1 FROM queue WHERE queue_id = $1 AND lane = $2 AND fresh = 1)";

/// Workflow, run and lane.
pub(super) static INSERT_SLOTS: Bulk = Bulk::new(
    "INSERT INTO slots (workflow, run_key, lane) VALUES ",
    3,
    " ON CONFLICT DO NOTHING",
);

impl SqliteStore {
    pub(super) async fn write_limited_claims(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> Result<LimitedClaim, Failure> {
        let mut claim = LimitedClaim::default();
        if !self.any_limited(serves).await? {
            return Ok(claim);
        }
        let mut tx = self.writer().begin().await?;
        let Some(name) = living(&mut tx, worker).await? else {
            tx.rollback().await?;
            return Ok(claim);
        };
        for limited in &serves.limited {
            let wanted = limit as usize - claim.runs.len();
            let (chosen, again_at) = choose(&mut tx, serves, limited, wanted).await?;
            let runs = take(&mut tx, worker, &name, &chosen).await?;
            use_up(&mut tx, &limited.limits, &runs).await?;
            let again = again_at.map(|at| tx.now.until(at));
            claim.again = claim.again.into_iter().chain(again).min();
            claim.runs.extend(runs);
        }
        tx.commit().await?;
        Ok(claim)
    }

    /// Whether there may be something to claim. A look keeps nobody from writing.
    async fn any_limited(&self, serves: &Serves) -> Result<bool, Failure> {
        let workflows: Vec<_> = serves.limited.iter().map(Limited::served).collect();
        let mut look = self.readers().acquire().await?;
        let queues = served(&mut look, &workflows, serves).await?;
        Ok(!queues.is_empty() || !orphans(&mut look, &workflows, serves, 1).await?.is_empty())
    }
}

/// Up to `wanted` runs of a workflow, and when a rate lets the next one begin.
async fn choose(
    tx: &mut Writing<'_>,
    serves: &Serves,
    limited: &Limited,
    wanted: usize,
) -> Result<(Vec<RunKey>, Option<Timestamp>), Failure> {
    let Limited {
        workflow, limits, ..
    } = limited;
    let workflows = [limited.served()];
    // They have their slots.
    let mut chosen = orphans(tx, &workflows, serves, rows_of(wanted)).await?;
    let wanted = wanted - chosen.len();
    let queues = served(tx, &workflows, serves).await?;
    if queues.is_empty() || wanted == 0 {
        return Ok((chosen, None));
    }
    let (now, usage) = (tx.now, count(tx, workflow).await?);
    let mut admitted = Admitted::default();
    if usage.room(limits) > 0 {
        let held = usage.free_at(limits);
        let paced = usage.paced_lanes(limits);
        let candidates = candidates(tx, &queues, limits, &usage, wanted).await?;
        admitted = usage.admit(limits, &candidates, wanted, now);
        admitted.again_at = admitted.again_at.into_iter().chain(held).min();
        for (lane, at) in paced {
            if has_fresh(tx, &queues, &lane).await? {
                admitted.hold_until(at);
            }
        }
    }
    chosen.extend(admitted.runs);
    Ok((chosen, admitted.again_at))
}

/// The first runs of each lane that may go on, oldest first.
async fn candidates(
    tx: &mut Writing<'_>,
    queues: &[i64],
    limits: &Limits,
    usage: &Usage,
    wanted: usize,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let full = columns::json(&usage.full_lanes(limits));
    let paced = usage.paced_lanes(limits).into_iter().map(|(lane, _)| lane);
    let paced = columns::json(&paced.collect::<Vec<_>>());
    let mut first: Vec<(i64, String, Uuid, bool)> = Vec::new();
    for queue in queues {
        let heads: Vec<(String, i64, i64)> = sqlx::query_as(HEADS)
            .bind(queue)
            .bind(&full)
            .bind(&paced)
            .bind(usage.free_at(limits).is_none())
            .bind(rows_of(wanted))
            .fetch_all(&mut **tx)
            .await?;
        for (lane, fresh, _) in heads {
            // Among runs without a key, it looks a little further for one that has begun.
            let most = if lane.is_empty() {
                wanted.saturating_add(100)
            } else {
                limits.most_of_a_key(wanted)
            };
            let of_lane: Vec<(i64, String, Uuid, bool)> = sqlx::query_as(FIRST_OF_LANE)
                .bind(queue)
                .bind(lane)
                .bind(fresh)
                .bind(rows_of(most))
                .fetch_all(&mut **tx)
                .await?;
            first.extend(of_lane);
        }
    }
    first.sort_unstable_by_key(|(since, _, run, _)| (*since, *run));
    let candidate = |(_, lane, run, first)| Candidate {
        lane,
        run: RunKey::from_uuid(run),
        first,
    };
    Ok(first.into_iter().map(candidate).collect())
}

async fn has_fresh(
    connection: &mut SqliteConnection,
    queues: &[i64],
    lane: &str,
) -> Result<bool, sqlx::Error> {
    for queue in queues {
        let has = sqlx::query_scalar(HAS_FRESH).bind(queue).bind(lane);
        if has.fetch_one(&mut *connection).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What of its limits a workflow has used up.
async fn count(tx: &mut Writing<'_>, workflow: &str) -> Result<Usage, sqlx::Error> {
    let now = tx.now.as_micros();
    let mut usage = Usage::default();
    let free = sqlx::query(FREE_SLOTS).bind(workflow);
    free.execute(&mut **tx).await?;
    let slots = sqlx::query_as(SLOTS).bind(workflow);
    let slots: Vec<(String, u32)> = slots.fetch_all(&mut **tx).await?;
    for (lane, runs) in slots {
        usage.add_running(&lane, runs);
    }
    let pace = sqlx::query_as(PACE).bind(workflow).bind(now);
    let pace: Vec<(String, i64, u32)> = pace.fetch_all(&mut **tx).await?;
    for (lane, until, runs) in pace {
        usage.add_begun(&lane, Timestamp::from_micros(until), runs);
    }
    Ok(usage)
}

/// Whether the limits let a run go on that is claimable. One that is taken over has its slot.
pub(super) async fn let_go_on(
    tx: &mut Writing<'_>,
    run: RunKey,
    limits: &Limits,
) -> Result<bool, Failure> {
    let run = found(tx, run).await?;
    if run.state == RunState::Running || !limits.are_any() {
        return Ok(true);
    }
    let (now, usage) = (tx.now, count(tx, &run.workflow).await?);
    let candidate = Candidate {
        run: run.key(),
        first: run.started_at.is_none(),
        lane: run.concurrency_key.unwrap_or_default(),
    };
    Ok(!usage.admit(limits, &[candidate], 1, now).runs.is_empty())
}

/// Notes what runs that were taken use up of their limits.
pub(super) async fn use_up(
    tx: &mut Writing<'_>,
    limits: &Limits,
    taken: &[Claimed],
) -> Result<(), sqlx::Error> {
    if !limits.are_any() {
        return Ok(());
    }
    for (sql, part) in INSERT_SLOTS.parts(taken) {
        let mut query = sqlx::query(sql);
        for Claimed { run, .. } in part {
            query = query
                .bind(&run.workflow)
                .bind(run.key().uuid())
                .bind(run.concurrency_key.as_deref().unwrap_or_default());
        }
        query.execute(&mut **tx).await?;
    }
    let now = tx.now;
    if limits.rate.or(limits.rate_per_key).is_some() {
        let forget = sqlx::query(FORGET_PACE).bind(now.as_micros());
        forget.execute(&mut **tx).await?;
    }
    let mut begun: BTreeMap<(&str, &str, i64), i64> = BTreeMap::new();
    for Claimed { run, .. } in taken.iter().filter(|claimed| claimed.run.epoch == 1) {
        let key = run.concurrency_key.as_deref();
        let of_key = key.and_then(|key| Some((key, limits.rate_per_key?)));
        let of_all = limits.rate.map(|rate| ("", rate));
        for (lane, rate) in of_all.into_iter().chain(of_key) {
            let until = now.after(rate.per).as_micros();
            *begun.entry((&run.workflow, lane, until)).or_default() += 1;
        }
    }
    for ((workflow, lane, until), runs) in begun {
        sqlx::query(ADD_PACE)
            .bind(workflow)
            .bind(lane)
            .bind(until)
            .bind(runs)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

fn rows_of(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX / 8)
}
