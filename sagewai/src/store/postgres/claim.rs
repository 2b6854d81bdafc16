//! The statements that take runs.

use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use uuid::Uuid;

use super::PostgresStore;
use crate::model::{Claimed, Journal, Serves, WorkerKey};
use crate::store::failure::Failure;
use crate::store::row::{self, Cells};
use crate::store::sql::{checkpoint_columns, run_columns};

/// Takes runs that were chosen: `orphaned` ones from their workers, which are gone, and `locked` ones from the queue;
/// `seen` and `peeked` are those that could have been.
/// `$1` is the worker; nothing is chosen where it is gone itself. Its row is locked, so that it cannot be declared
/// dead before the claim is visible.
///
/// `chosen` must stay a table of its own: an update that waits for another one looks at its source a second time, and
/// that of a union it would not find again. The run would then be in no queue and with no worker.
///
/// There is always one row, which tells how many runs were in sight, when nothing was taken too.
macro_rules! take {
    ($chosen:literal) => {
        concat!(
            "WITH clock AS MATERIALIZED (SELECT now_us() AS now),
            me AS MATERIALIZED (
                SELECT worker, name FROM workers
                WHERE worker = $1 AND gone_at IS NULL AND lease_until > (SELECT now FROM clock)
                FOR SHARE
            ),",
            $chosen,
            ", dequeued AS (
                DELETE FROM queue q USING locked l WHERE q.ctid = l.place
                RETURNING q.run_key
            ),
            chosen AS MATERIALIZED (
                SELECT run_key, false AS takeover FROM dequeued UNION ALL SELECT run_key, true FROM orphaned
            ),
            taken AS (
                UPDATE runs r
                SET state = 'running', epoch = r.epoch + 1, worker = $1, waiting = NULL, due_at = NULL,
                    started_at = coalesce(r.started_at, (SELECT now FROM clock)),
                    claims = CASE
                        WHEN NOT c.takeover THEN 0
                        WHEN EXISTS (SELECT FROM checkpoints k WHERE k.run_key = r.run_key AND k.epoch = r.epoch) THEN 1
                        ELSE r.claims + 1
                    END
                FROM chosen c
                WHERE r.run_key = c.run_key AND r.state = CASE WHEN c.takeover THEN 'running' ELSE 'pending' END
                RETURNING r.run_key, r.run_id, r.queue_id, r.state, r.epoch, r.worker, r.claims, r.wakes, r.priority,
                          r.fingerprint, r.header, r.pausing, r.waiting, r.due_at, r.error, r.created_at, r.started_at,
                          r.finished_at,
                          c.takeover
            ),
            held_now AS (
                INSERT INTO held (worker, claim, runs)
                SELECT $1, gen_random_uuid(), array_agg(run_key) FROM taken HAVING count(*) > 0
            ),
            noted AS (
                INSERT INTO events (run_key, id, at, kind, detail)
                SELECT t.run_key, gen_random_uuid(), c.now, 'claimed',
                       json_build_object('kind', 'claimed', 'worker', me.name, 'takeover', t.takeover)::text
                FROM taken t CROSS JOIN me CROSS JOIN clock c WHERE t.epoch > 1
            ),
            told AS (
                SELECT r.takeover, ",
            run_columns!(),
            ", ",
            checkpoint_columns!(),
            "   FROM taken r JOIN queues q ON q.queue_id = r.queue_id
                JOIN checkpoints k ON k.run_key = r.run_key AND k.position = '$input'
            )
            SELECT n.in_sight, n.assigned, t.*
            FROM (
                SELECT (SELECT count(*) FROM seen) + (SELECT count(*) FROM peeked) AS in_sight,
                       EXISTS (SELECT FROM assignments WHERE worker = $1 AND run_key IS NOT NULL) AS assigned
            ) n
            LEFT JOIN told t ON true
            ORDER BY t.takeover DESC, t.priority DESC, t.created_at, t.run_id"
        )
    };
}

/// Takes what a worker may serve. `$2` its workflows, `$3` its pool, `$4` its labels, `$5` how many, `$6` the versions of
/// its workflows.
///
/// Queues are few, so they are matched each time. The heads of those that match, and runs of workers that are gone, are
/// looked at without locks, and more of them than are wanted, since others look at the same ones; then they are locked
/// in order, until there are enough. The limits within also keep the planner from joining the other way round; for the
/// empty state see [`FLUSH`](super::flush_sql::FLUSH).
pub(super) const CLAIM: &str = take!(
    "served AS MATERIALIZED (
        SELECT q.queue_id FROM me CROSS JOIN queues q
        WHERE q.workflow = ANY($2) AND q.pool = $3 AND CAST($4 AS jsonb) @> q.labels
          AND EXISTS (SELECT FROM unnest($2::text[], $6::integer[]) s (workflow, version)
                      WHERE s.workflow = q.workflow AND s.version = q.version)
    ),
    seen AS MATERIALIZED (
        SELECT DISTINCT o.run_key, o.worker FROM (
            SELECT r.run_key, w.worker FROM workers w
            CROSS JOIN LATERAL (SELECT h.runs FROM held h WHERE h.worker = w.worker LIMIT 1000000) h
            CROSS JOIN LATERAL unnest(h.runs) k (run_key)
            CROSS JOIN LATERAL (
                SELECT r.run_key FROM runs r
                WHERE r.run_key = k.run_key AND r.worker = w.worker AND r.state = 'running'
                  AND coalesce(r.away_id, r.queue_id) IN (SELECT queue_id FROM served)
                LIMIT 1
            ) r
            WHERE w.orphans LIMIT $5 * 4
        ) o
    ),
    orphaned AS MATERIALIZED (
        SELECT r.run_key FROM seen s JOIN runs r ON r.run_key = s.run_key
        WHERE r.worker = s.worker AND r.state = 'running'
        LIMIT $5
        FOR UPDATE OF r SKIP LOCKED
    ),
    peeked AS MATERIALIZED (
        SELECT p.place, p.rank, p.since, p.run_key
        FROM served s CROSS JOIN LATERAL (
            SELECT q.ctid AS place, q.rank, q.since, q.run_key FROM queue q WHERE q.queue_id = s.queue_id
            ORDER BY q.rank, q.since, q.run_key LIMIT $5 * 4
        ) p
        ORDER BY p.rank, p.since, p.run_key LIMIT $5 * 4
    ),
    locked AS MATERIALIZED (
        SELECT q.ctid AS place FROM peeked p JOIN queue q ON q.ctid = p.place
        LIMIT $5 - (SELECT count(*) FROM orphaned)
        FOR UPDATE OF q SKIP LOCKED
    )"
);

/// Takes certain runs, whatever they ask for. `$2` their keys.
pub(super) const CLAIM_THESE: &str = take!(
    "seen AS MATERIALIZED (SELECT WHERE false),
    orphaned AS MATERIALIZED (
        SELECT r.run_key FROM me CROSS JOIN runs r LEFT JOIN workers w ON w.worker = r.worker
        WHERE r.run_key = ANY($2) AND r.state = 'running' AND (w.worker IS NULL OR w.gone_at IS NOT NULL)
        FOR UPDATE OF r SKIP LOCKED
    ),
    peeked AS MATERIALIZED (
        SELECT q.ctid AS place
        FROM me CROSS JOIN runs r JOIN queue q
        ON q.queue_id = coalesce(r.away_id, r.queue_id) AND q.rank = -r.priority::integer AND q.since = r.created_at
           AND q.run_key = r.run_key
        WHERE r.run_key = ANY($2)
    ),
    locked AS MATERIALIZED (
        SELECT q.ctid AS place FROM peeked p JOIN queue q ON q.ctid = p.place
        FOR UPDATE OF q SKIP LOCKED
    )"
);

/// Puts runs into the queue that are meant for a worker, if it may serve them; claimed in the same transaction, nobody else
/// sees them there. What is not to be claimed before its time any more is no longer meant for it. Parameters are those of
/// [`CLAIM`].
pub(super) const CLAIM_ASSIGNED: &str = "
WITH mine AS MATERIALIZED (
    SELECT id, run_key FROM assignments WHERE worker = $1 AND run_key IS NOT NULL
),
chosen AS MATERIALIZED (
    SELECT r.run_key, r.due_at FROM mine m
    JOIN runs r ON r.run_key = m.run_key JOIN queues q ON q.queue_id = r.queue_id
    WHERE r.state = 'pending' AND r.due_at IS NOT NULL AND q.pool = $3 AND CAST($4 AS jsonb) @> q.labels
      AND EXISTS (SELECT FROM unnest($2::text[], $6::integer[]) s (workflow, version)
                  WHERE s.workflow = q.workflow AND s.version = q.version)
    ORDER BY r.created_at LIMIT $5
    FOR UPDATE OF r SKIP LOCKED
),
used AS (
    DELETE FROM assignments a USING mine m JOIN runs r ON r.run_key = m.run_key
    WHERE a.worker = $1 AND a.id = m.id
      AND (r.state <> 'pending' OR r.due_at IS NULL OR r.run_key IN (SELECT run_key FROM chosen))
),
disarmed AS (DELETE FROM timers t USING chosen c WHERE t.due_at = c.due_at AND t.run_key = c.run_key),
released AS (
    UPDATE runs r SET due_at = NULL FROM chosen c WHERE r.run_key = c.run_key
    RETURNING r.queue_id, r.priority, r.created_at, r.run_key
),
queued AS (
    INSERT INTO queue (queue_id, rank, since, run_key)
    SELECT queue_id, -priority::integer, created_at, run_key FROM released
)
SELECT run_key FROM released";

/// What a claim took, with the inputs alone for journals.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) runs: Vec<Claimed>,
    /// Whether runs were in sight that somebody else was just taking.
    pub(super) contended: bool,
    /// Whether runs are meant for this worker.
    pub(super) assigned: bool,
}

impl Taken {
    pub(super) fn read(rows: &[PgRow], wanted: usize) -> Result<Taken, Failure> {
        let mut taken = Taken::default();
        let mut in_sight = 0;
        for row in rows {
            if row.text_or_null("run_id")?.is_some() {
                let journal = Journal {
                    checkpoints: vec![row::checkpoint(row)?],
                    ..Journal::default()
                };
                let run = row::run(row)?;
                taken.runs.push(Claimed { run, journal });
            }
            in_sight = row.big("in_sight")?;
            taken.assigned = row.flag_or_null("assigned")?.unwrap_or(false);
        }
        let got = taken.runs.len();
        taken.contended = got < wanted && i64::try_from(got).is_ok_and(|got| got < in_sight);
        Ok(taken)
    }
}

impl PostgresStore {
    /// Takes what is meant for this worker.
    pub(super) async fn claim_assigned(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        wanted: usize,
    ) -> Result<Taken, Failure> {
        let mut tx = self.pool().begin().await?;
        let released = claim_by(CLAIM_ASSIGNED, worker, serves, wanted)
            .fetch_all(&mut *tx)
            .await?;
        let keys: Result<Vec<Uuid>, _> = released.iter().map(|row| row.uuid("run_key")).collect();
        let rows = sqlx::query(CLAIM_THESE)
            .bind(worker.uuid())
            .bind(keys?)
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        Taken::read(&rows, wanted)
    }
}

/// A claim with its parameters.
pub(super) fn claim_by<'q>(
    statement: &'static str,
    worker: WorkerKey,
    serves: &'q Serves,
    wanted: usize,
) -> Query<'q, Postgres, PgArguments> {
    let (workflows, versions) = serves.columns();
    sqlx::query(statement)
        .bind(worker.uuid())
        .bind(workflows)
        .bind(&serves.pool)
        .bind(serves.labels.to_json())
        .bind(i64::try_from(wanted).unwrap_or(i64::MAX / 8))
        .bind(versions)
}
