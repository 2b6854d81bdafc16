//! The statements that take runs.

use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use uuid::Uuid;

use super::PostgresStore;
use crate::model::{Claimed, Journal, Serves, WorkerKey};
use crate::store::columns;
use crate::store::failure::Failure;
use crate::store::row::{self, Cells};
use crate::store::sql::{checkpoint_columns, place, place_columns, run_columns};

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
    ($($chosen:expr),*; then $more:expr) => {
        concat!(
            "WITH clock AS MATERIALIZED (SELECT now_us() AS now),
            me AS MATERIALIZED (
                SELECT worker, name FROM workers
                WHERE worker = $1 AND gone_at IS NULL AND lease_until > (SELECT now FROM clock)
                FOR SHARE
            ),",
            $($chosen,)*
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
                          r.fingerprint, r.lane, r.header, r.pausing, r.waiting, r.due_at, r.error, r.created_at, r.started_at,
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
            )",
            $more,
            ", told AS (
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
            ORDER BY t.takeover DESC, t.created_at - t.priority::bigint * 60000000, t.run_id"
        )
    };
}

/// Runs of workers that are gone, up to `$5`, of the queues in `served`.
macro_rules! orphaned {
    () => {
        "seen AS MATERIALIZED (
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
    ),"
    };
}

/// Certain runs, `$2`, as far as they are queued or their workers are gone.
macro_rules! these {
    () => {
        concat!(
    "seen AS MATERIALIZED (SELECT WHERE false),
    orphaned AS MATERIALIZED (
        SELECT r.run_key FROM me CROSS JOIN runs r LEFT JOIN workers w ON w.worker = r.worker
        WHERE r.run_key = ANY($2) AND r.state = 'running' AND (w.worker IS NULL OR w.gone_at IS NOT NULL)
        FOR UPDATE OF r SKIP LOCKED
    ),
    peeked AS MATERIALIZED (
        SELECT q.ctid AS place
        FROM me CROSS JOIN runs r JOIN queue q ON (q.queue_id, q.lane, q.fresh, q.since, q.run_key) = (",
    place!("r."),
    ") WHERE r.run_key = ANY($2)
    ),
    locked AS MATERIALIZED (
        SELECT q.ctid AS place FROM peeked p JOIN queue q ON q.ctid = p.place
        FOR UPDATE OF q SKIP LOCKED
    )"
        )
    };
}

/// What a claim uses up of a workflow's limits. It is deleted when it does not count any more.
macro_rules! used {
    (workflow: $workflow:literal, rate_us: $rate:literal, key_rate_us: $key_rate:literal) => {
        concat!(
            ", slotted AS (
                INSERT INTO slots (workflow, run_key, lane)
                SELECT ",
            $workflow,
            ", run_key, coalesce(lane, '') FROM taken
                ON CONFLICT DO NOTHING
            ),
            begun AS (
                INSERT INTO pace AS p (workflow, lane, until, runs)
                SELECT ",
            $workflow,
            ", b.lane, (SELECT now FROM clock) + b.per, count(*)
                FROM (
                    SELECT '' AS lane, ",
            $rate,
            "::bigint AS per FROM taken WHERE epoch = 1
                    UNION ALL
                    SELECT lane, ",
            $key_rate,
            "::bigint FROM taken WHERE epoch = 1 AND lane IS NOT NULL
                ) b
                WHERE b.per IS NOT NULL GROUP BY b.lane, b.per
                ON CONFLICT (workflow, lane, until) DO UPDATE SET runs = p.runs + excluded.runs
            ),
            counted AS MATERIALIZED (
                SELECT p.ctid AS place FROM pace p WHERE p.until <= (SELECT now FROM clock)
                ORDER BY p.until LIMIT 1000 FOR UPDATE OF p SKIP LOCKED
            ),
            forgotten AS (DELETE FROM pace p USING counted c WHERE p.ctid = c.place)"
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
    ),",
    orphaned!(),
    "peeked AS MATERIALIZED (
        SELECT p.place, p.since, p.run_key
        FROM served s CROSS JOIN LATERAL (
            SELECT q.ctid AS place, q.since, q.run_key FROM queue q WHERE q.queue_id = s.queue_id
            ORDER BY q.lane, q.fresh, q.since, q.run_key LIMIT $5 * 4
        ) p
        ORDER BY p.since, p.run_key LIMIT $5 * 4
    ),
    locked AS MATERIALIZED (
        SELECT q.ctid AS place FROM peeked p JOIN queue q ON q.ctid = p.place
        LIMIT $5 - (SELECT count(*) FROM orphaned)
        FOR UPDATE OF q SKIP LOCKED
    )";
    then ""
);

/// Takes certain runs, whatever they ask for. `$2` their keys.
pub(super) const CLAIM_THESE: &str = take!(these!(); then "");

/// The same, for a workflow with limits: `$3`, and of its rates the times `$4` and `$5` in which they count.
pub(super) const CLAIM_ONE_LIMITED: &str = take!(
    these!();
    then used!(workflow: "$3", rate_us: "$4", key_rate_us: "$5")
);

/// Takes what a worker may serve of a workflow with limits. `$1` the worker, `$2` the workflow, `$3` its pool, `$4` its
/// labels, `$5` how many, `$6` the queued runs that the limits let go on, `$7` and `$8` the times in which its rates
/// count, `$9` the version of the workflow.
pub(super) const CLAIM_LIMITED: &str = take!(
    "served AS MATERIALIZED (
        SELECT q.queue_id FROM me CROSS JOIN queues q
        WHERE q.workflow = $2 AND q.version = $9 AND q.pool = $3 AND CAST($4 AS jsonb) @> q.labels
    ),",
    orphaned!(),
    "peeked AS MATERIALIZED (
        SELECT q.ctid AS place
        FROM me CROSS JOIN unnest($6::uuid[]) u (run_key) JOIN runs r ON r.run_key = u.run_key
        JOIN queue q ON (q.queue_id, q.lane, q.fresh, q.since, q.run_key) = (",
    place!("r."),
    ")
    ),
    locked AS MATERIALIZED (
        SELECT q.ctid AS place FROM peeked p JOIN queue q ON q.ctid = p.place
        LIMIT $5 - (SELECT count(*) FROM orphaned)
        FOR UPDATE OF q SKIP LOCKED
    )";
    then used!(workflow: "$2", rate_us: "$7", key_rate_us: "$8")
);

/// Puts runs into the queue that are meant for a worker, if it may serve them; claimed in the same transaction, nobody else
/// sees them there. What is not to be claimed before its time any more is no longer meant for it. Parameters are those of
/// [`CLAIM`].
pub(super) const CLAIM_ASSIGNED: &str = concat!(
    "WITH mine AS MATERIALIZED (
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
    RETURNING r.queue_id, r.away_id, r.lane, r.epoch, r.priority, r.created_at, r.run_key
),
queued AS (
    INSERT INTO queue ",
    place_columns!(),
    " SELECT ",
    place!(""),
    " FROM released
)
SELECT run_key FROM released"
);

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
    let (workflows, versions) = columns::served(&serves.workflows);
    sqlx::query(statement)
        .bind(worker.uuid())
        .bind(workflows)
        .bind(&serves.pool)
        .bind(serves.labels.to_json())
        .bind(i64::try_from(wanted).unwrap_or(i64::MAX / 8))
        .bind(versions)
}
