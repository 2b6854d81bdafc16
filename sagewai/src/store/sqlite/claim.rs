//! Gives runs to workers. The write lock is held throughout, so that what is chosen is still there when it is taken;
//! but a look comes first, so that workers which find nothing keep nobody from writing.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::SqliteStore;
use super::bulk::Bulk;
use super::fleet::{ANY_ASSIGNED, FORGET_ASSIGNED};
use super::journal::{journals, rows_of};
use super::limited;
use super::query::WAKES;
use super::queue::{DISARM, execute_for};
use super::writer::Writing;
use crate::model::{
    ClaimOne, Claimed, EventKind, Limits, Run, RunKey, RunState, ServedWorkflow, Serves, WorkerKey,
    orderly_claims,
};
use crate::store::failure::Failure;
use crate::store::row::Cells;
use crate::store::sql::{place, place_columns, run_columns};
use crate::store::{columns, row, sql};

/// The name of a worker whose lease holds. `$1` worker, `$2` now.
pub(super) const WORKER: &str =
    "SELECT name FROM workers WHERE worker = $1 AND gone_at IS NULL AND lease_until > $2";

/// Queues that a worker may serve: its workflows, its pool, and no label that it lacks. `$1` workflows with versions and
/// `$3` labels as JSON, `$2` pool. A bool and a number are told apart by their type.
macro_rules! served {
    () => {
        "SELECT s.queue_id FROM queues s
         WHERE s.pool = $2
           AND EXISTS (SELECT 1 FROM json_each($1) w
                       WHERE w.value ->> 'name' = s.workflow AND w.value ->> 'version' = s.version)
           AND NOT EXISTS (
               SELECT 1 FROM json_each(s.labels) asked WHERE NOT EXISTS (
                   SELECT 1 FROM json_each($3) has
                   WHERE has.key = asked.key AND has.type = asked.type AND has.atom = asked.atom))"
    };
}

/// Those of them in which something waits.
pub(super) const SERVED: &str = concat!(
    served!(),
    " AND EXISTS (SELECT 1 FROM queue e WHERE e.queue_id = s.queue_id)"
);

/// The first of one queue. `$1` queue, `$2` how many.
pub(super) const FIRST: &str = "SELECT since, run_key FROM queue WHERE queue_id = $1
     ORDER BY queue_id, lane, fresh, since, run_key LIMIT $2";

/// Runs of workers that are gone. `$1` to `$3` as above, `$4` how many. The order of a cross join is kept: from the
/// few workers to their runs.
pub(super) const ORPHANS: &str = concat!(
    "SELECT r.run_key FROM workers w CROSS JOIN runs r ON r.worker = w.worker AND r.state = 'running'
     WHERE w.orphans AND coalesce(r.away_id, r.queue_id) IN (",
    served!(),
    ") ORDER BY r.created_at - r.priority * 60000000, r.run_key LIMIT $4"
);

/// Runs that are meant for a worker. `$1` to `$3` as above, `$4` how many, `$5` the worker.
pub(super) const ASSIGNED: &str = concat!(
    "SELECT r.run_key FROM assignments a CROSS JOIN runs r ON r.run_key = a.run_key
     WHERE a.worker = $5 AND r.state = 'pending' AND r.due_at IS NOT NULL AND r.queue_id IN (",
    served!(),
    ") ORDER BY r.created_at, r.run_key LIMIT $4"
);

pub(super) const ANY_ORPHANS: &str = "SELECT EXISTS (SELECT 1 FROM workers WHERE orphans)";
pub(super) const FORGET_ORPHANS: &str = "UPDATE workers SET orphans = false WHERE orphans
     AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.worker = workers.worker AND r.state = 'running')";

/// Whether one run is queued or its worker is gone. `$1` its key.
pub(super) const CLAIMABLE: &str = "SELECT (r.state = 'pending' AND r.due_at IS NULL)
       OR (r.state = 'running' AND EXISTS (SELECT 1 FROM workers w WHERE w.worker = r.worker AND w.orphans))
     FROM runs r WHERE r.run_key = $1";

pub(super) static UNQUEUE: Bulk = Bulk::new(
    concat!(
        "DELETE FROM queue WHERE ",
        place_columns!(),
        " IN (SELECT ",
        place!(""),
        " FROM runs WHERE state = 'pending' AND run_key IN (VALUES "
    ),
    1,
    "))",
);

/// What the rule of claims asks.
pub(super) static BEFORE: Bulk = Bulk::new(
    "SELECT r.run_key, r.state = 'running' AS takeover, r.claims, r.epoch,
            EXISTS (SELECT 1 FROM checkpoints c WHERE c.run_key = r.run_key AND c.epoch = r.epoch) AS progressed
     FROM runs r WHERE r.run_key IN (VALUES ",
    1,
    ")",
);

/// First of all, worker and now are bound; then each run with its count of claims.
pub(super) static TAKE: Bulk = Bulk::new(
    "UPDATE runs SET state = 'running', epoch = epoch + 1, worker = ?, claims = v.column2,
         started_at = coalesce(started_at, ?), waiting = NULL, due_at = NULL
     FROM (VALUES ",
    2,
    ") v WHERE runs.run_key = v.column1",
);

pub(super) static RETAKE: Bulk = Bulk::new(
    "UPDATE runs SET epoch = epoch + 1 WHERE run_key IN (VALUES ",
    1,
    ")",
);

pub(super) static RUNS: Bulk = Bulk::new(
    concat!(
        "SELECT r.run_key, ",
        run_columns!(),
        " FROM runs r JOIN queues q ON q.queue_id = r.queue_id WHERE r.run_key IN (VALUES "
    ),
    1,
    ")",
);

impl SqliteStore {
    pub(super) async fn write_claims(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> Result<Vec<Claimed>, Failure> {
        let mut look = self.readers().acquire().await?;
        if choose(&mut look, worker, serves, 1.min(limit.into()))
            .await?
            .is_empty()
        {
            return Ok(Vec::new());
        }
        drop(look);
        let mut tx = self.writer().begin().await?;
        let Some(name) = living(&mut tx, worker).await? else {
            tx.rollback().await?;
            return Ok(Vec::new());
        };
        let chosen = choose(&mut tx, worker, serves, i64::from(limit)).await?;
        if chosen.is_empty() {
            tx.rollback().await?;
            return Ok(Vec::new());
        }
        let claimed = take(&mut tx, worker, &name, &chosen).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    pub(super) async fn write_strays(
        &self,
        worker: WorkerKey,
        driven: &[RunKey],
    ) -> Result<Vec<Claimed>, Failure> {
        let mut tx = self.writer().begin().await?;
        let mut strays: Vec<RunKey> = Vec::new();
        if living(&mut tx, worker).await?.is_some() {
            let held: Vec<(Uuid, i32)> = sqlx::query_as(WAKES)
                .bind(worker.uuid())
                .fetch_all(&mut *tx)
                .await?;
            let held = held.into_iter().map(|(run, _)| RunKey::from_uuid(run));
            strays = held.filter(|run| !driven.contains(run)).collect();
        }
        execute_for(&mut tx, &RETAKE, &strays).await?;
        let retaken = read(&mut tx, &strays).await?;
        tx.commit().await?;
        Ok(retaken)
    }

    pub(super) async fn write_claim(
        &self,
        worker: WorkerKey,
        run: RunKey,
        limits: &Limits,
    ) -> Result<ClaimOne, Failure> {
        let mut tx = self.writer().begin().await?;
        let claimable: Option<bool> = sqlx::query_scalar(CLAIMABLE)
            .bind(run.uuid())
            .fetch_optional(&mut *tx)
            .await?;
        let name = living(&mut tx, worker).await?;
        let answer = match (claimable, name) {
            (None, _) => ClaimOne::NoRun,
            (Some(true), Some(name)) if limited::let_go_on(&mut tx, run, limits).await? => {
                let mut claimed = take(&mut tx, worker, &name, &[run]).await?;
                limited::use_up(&mut tx, limits, &claimed).await?;
                claimed
                    .pop()
                    .map_or(ClaimOne::NoRun, |run| ClaimOne::Claimed(Box::new(run)))
            }
            _ => ClaimOne::Not(Box::new(found(&mut tx, run).await?)),
        };
        tx.commit().await?;
        Ok(answer)
    }
}

/// A run that is there.
pub(super) async fn found(tx: &mut Writing<'_>, run: RunKey) -> Result<Run, Failure> {
    let found = sqlx::query(sql::RUN).bind(run.uuid());
    Ok(row::run(&found.fetch_one(&mut **tx).await?)?)
}

/// The name of a worker that may claim.
pub(super) async fn living(
    tx: &mut Writing<'_>,
    worker: WorkerKey,
) -> Result<Option<String>, sqlx::Error> {
    let now = tx.now.as_micros();
    sqlx::query_scalar(WORKER)
        .bind(worker.uuid())
        .bind(now)
        .fetch_optional(&mut **tx)
        .await
}

/// Runs that the worker may have: first those of workers that are gone, then queued ones, by priority and age, then those
/// that are meant for it.
async fn choose(
    connection: &mut SqliteConnection,
    worker: WorkerKey,
    serves: &Serves,
    limit: i64,
) -> Result<Vec<RunKey>, sqlx::Error> {
    let workflows = &serves.workflows;
    let mut chosen = orphans(connection, workflows, serves, limit).await?;
    let room = usize::try_from(limit).unwrap_or(usize::MAX) - chosen.len();
    if room > 0 {
        let queues = served(connection, workflows, serves).await?;
        let mut first: Vec<(i64, Uuid)> = Vec::new();
        for queue in queues {
            let of_queue: Vec<(i64, Uuid)> = sqlx::query_as(FIRST)
                .bind(queue)
                .bind(limit)
                .fetch_all(&mut *connection)
                .await?;
            first.extend(of_queue);
        }
        first.sort_unstable();
        let first = first.into_iter().take(room);
        chosen.extend(first.map(|(_, run)| RunKey::from_uuid(run)));
    }
    let room = limit - i64::try_from(chosen.len()).unwrap_or(limit);
    if room > 0
        && sqlx::query_scalar(ANY_ASSIGNED)
            .bind(worker.uuid())
            .fetch_one(&mut *connection)
            .await?
    {
        let assigned: Vec<Uuid> = sqlx::query_scalar(ASSIGNED)
            .bind(columns::json(&serves.workflows))
            .bind(&serves.pool)
            .bind(serves.labels.to_json())
            .bind(room)
            .bind(worker.uuid())
            .fetch_all(&mut *connection)
            .await?;
        chosen.extend(assigned.into_iter().map(RunKey::from_uuid));
    }
    Ok(chosen)
}

/// Runs of workers that are gone, of these workflows.
pub(super) async fn orphans(
    connection: &mut SqliteConnection,
    workflows: &[ServedWorkflow],
    serves: &Serves,
    limit: i64,
) -> Result<Vec<RunKey>, sqlx::Error> {
    let any = sqlx::query_scalar(ANY_ORPHANS);
    if !any.fetch_one(&mut *connection).await? {
        return Ok(Vec::new());
    }
    let orphans: Vec<Uuid> = sqlx::query_scalar(ORPHANS)
        .bind(columns::json(workflows))
        .bind(&serves.pool)
        .bind(serves.labels.to_json())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(orphans.into_iter().map(RunKey::from_uuid).collect())
}

/// Queues of these workflows in which something waits that the worker may have.
pub(super) async fn served(
    connection: &mut SqliteConnection,
    workflows: &[ServedWorkflow],
    serves: &Serves,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(SERVED)
        .bind(columns::json(workflows))
        .bind(&serves.pool)
        .bind(serves.labels.to_json())
        .fetch_all(connection)
        .await
}

/// Takes claimable runs, and reads what they have left.
pub(super) async fn take(
    tx: &mut Writing<'_>,
    worker: WorkerKey,
    name: &str,
    chosen: &[RunKey],
) -> Result<Vec<Claimed>, Failure> {
    let now = tx.now.as_micros();
    let mut counted = Vec::with_capacity(chosen.len());
    let mut again = Vec::new();
    for row in rows_of(tx, &BEFORE, chosen).await? {
        let takeover: bool = row.try_get("takeover")?;
        let progressed: bool = row.try_get("progressed")?;
        let claims = orderly_claims(row.int("claims")?, takeover, progressed);
        let run = row.uuid("run_key")?;
        counted.push((run, claims));
        if row.int("epoch")? > 0 {
            again.push((run, takeover));
        }
    }
    execute_for(tx, &UNQUEUE, chosen).await?;
    let any_assigned: bool = sqlx::query_scalar(ANY_ASSIGNED)
        .bind(worker.uuid())
        .fetch_one(&mut **tx)
        .await?;
    if any_assigned {
        execute_for(tx, &DISARM, chosen).await?;
    }
    for (sql, part) in TAKE.parts(&counted) {
        let mut query = sqlx::query(sql).bind(worker.uuid()).bind(now);
        for (run, claims) in part {
            query = query.bind(run).bind(claims);
        }
        query.execute(&mut **tx).await?;
    }
    if any_assigned {
        sqlx::query(FORGET_ASSIGNED)
            .bind(worker.uuid())
            .execute(&mut **tx)
            .await?;
    }
    for (run, takeover) in &again {
        let event = EventKind::Claimed {
            worker: name.to_owned(),
            takeover: *takeover,
        };
        sqlx::query(sql::INSERT_EVENT)
            .bind(run)
            .bind(Uuid::now_v7())
            .bind(now)
            .bind(event.word())
            .bind(columns::json(&event))
            .execute(&mut **tx)
            .await?;
    }
    if again.iter().any(|(_, takeover)| *takeover) {
        sqlx::query(FORGET_ORPHANS).execute(&mut **tx).await?;
    }
    read(tx, chosen).await
}

/// Runs with their journals, in this order.
async fn read(tx: &mut Writing<'_>, chosen: &[RunKey]) -> Result<Vec<Claimed>, Failure> {
    let mut runs = HashMap::with_capacity(chosen.len());
    for row in rows_of(tx, &RUNS, chosen).await? {
        runs.insert(RunKey::from_uuid(row.uuid("run_key")?), row::run(&row)?);
    }
    let mut journals = journals(tx, chosen).await?;
    let claimed = chosen.iter().filter_map(|key| {
        let run = runs.remove(key)?;
        debug_assert_eq!(run.state, RunState::Running);
        let journal = journals.remove(key).unwrap_or_default();
        Some(Claimed { run, journal })
    });
    Ok(claimed.collect())
}
