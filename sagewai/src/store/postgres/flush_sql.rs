//! The statements that write a batch: one of them for each, the shortest that has what the batch needs.
//!
//! A statement costs by its parts, also by those that find nothing to do, and a lone commit is most often a lone
//! checkpoint.

/// Who may write. The lock on the row of a worker keeps it from being declared dead while this is on its way; who is
/// declared dead stays so. And each row joins its run, by epoch and worker: a run moves to another worker only when
/// the one it has is dead. So a takeover sees either all of a commit, or its writer is fenced; and the rows of runs,
/// of which there are many, need no locks.
///
/// `$1` the workers that write in this batch.
macro_rules! alive {
    () => {
        "WITH clock AS MATERIALIZED (SELECT now_us() AS now),
        alive AS MATERIALIZED (
            SELECT w.worker FROM unnest($1::uuid[]) u (worker) JOIN workers w ON w.worker = u.worker
            WHERE w.gone_at IS NULL AND w.lease_until > (SELECT now FROM clock)
            FOR SHARE OF w
        )"
    };
}

/// The fence for rows of `u`. No state is empty: with `= 'running'` alone, the planner may find the index of runs by
/// worker too good to be missed, since it holds running ones only, and is empty when the plan is made.
macro_rules! fenced {
    () => {
        " JOIN alive a ON a.worker = u.worker
          JOIN runs r ON r.run_key = u.run_key AND r.epoch = u.epoch AND r.worker = u.worker
                         AND r.state IN ('running', '')
          CROSS JOIN clock c "
    };
}

/// Checkpoints. `$2` to `$13`.
macro_rules! kept {
    () => {
        concat!(
            ", kept AS (
            INSERT INTO checkpoints (run_key, position, ordinal, kind, site, input_digest, attempts, took_us, outcome,
                                     payload, epoch, at)
            SELECT u.run_key, u.position, u.ordinal, u.kind, u.site, u.digest, u.attempts, u.took_us, u.outcome,
                   u.payload, u.epoch, c.now
            FROM unnest($2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::integer[], $7::text[], $8::integer[],
                        $9::bigint[], $10::integer[], $11::bigint[], $12::text[], $13::text[])
                 u (run_key, epoch, worker, position, ordinal, kind, site, digest, attempts, took_us, outcome, payload)",
            fenced!(),
            "RETURNING run_key
        )"
        )
    };
}

/// How runs go on that do not just stay with their workers. `$14` to `$21`.
macro_rules! moved {
    () => {
        ", moved AS (
            UPDATE runs r
            SET state = CASE WHEN r.wakes <> u.wakes THEN 'running' ELSE u.state END,
                waiting = CASE WHEN r.wakes = u.wakes THEN u.waiting END,
                due_at = CASE WHEN r.wakes = u.wakes THEN c.now + u.wake_us END,
                error = u.error,
                finished_at = CASE WHEN u.state IN ('completed', 'failed') THEN c.now END
            FROM unnest($14::uuid[], $15::integer[], $16::uuid[], $17::text[], $18::integer[], $19::text[],
                        $20::bigint[], $21::text[])
                 u (run_key, epoch, worker, state, wakes, waiting, wake_us, error)
            JOIN alive a ON a.worker = u.worker
            CROSS JOIN clock c
            WHERE r.run_key = u.run_key AND r.epoch = u.epoch AND r.worker = u.worker AND r.state IN ('running', '')
            RETURNING r.run_key, r.queue_id, r.priority, r.state, r.due_at, r.created_at
        ),
        queued_again AS (
            INSERT INTO queue (queue_id, rank, since, run_key)
            SELECT queue_id, -priority::integer, created_at, run_key FROM moved WHERE state = 'pending'
        ),
        armed_again AS (
            INSERT INTO timers (due_at, run_key) SELECT due_at, run_key FROM moved WHERE due_at IS NOT NULL
        )"
    };
}

/// Events and questions. `$30` to `$41`.
macro_rules! happened {
    () => {
        concat!(
            ", happened AS (
            INSERT INTO events (run_key, id, at, kind, detail)
            SELECT u.run_key, u.id, c.now, u.kind, u.detail
            FROM unnest($30::uuid[], $31::integer[], $32::uuid[], $33::uuid[], $34::text[], $35::text[])
                 u (run_key, epoch, worker, id, kind, detail)",
            fenced!(),
            "RETURNING run_key
        ),
        asked AS (
            INSERT INTO gates (run_key, name, prompt, context, asked_at)
            SELECT u.run_key, u.name, u.prompt, u.context, c.now
            FROM unnest($36::uuid[], $37::integer[], $38::uuid[], $39::text[], $40::text[], $41::text[])
                 u (run_key, epoch, worker, name, prompt, context)",
            fenced!(),
            "ON CONFLICT (run_key, name) DO UPDATE
            SET prompt = excluded.prompt, context = excluded.context, asked_at = excluded.asked_at
            WHERE gates.asked_at IS NULL
        )"
        )
    };
}

/// Runs that start: their keys, ids, queues, priorities, fingerprints, delays, digests of the inputs, inputs.
///
/// An input goes by its own key, not by whether the run was created: both were made in one transaction.
macro_rules! started {
    ($key:literal $id:literal $queue:literal $priority:literal $fingerprint:literal $delay:literal $digest:literal
     $input:literal) => {
        concat!(
            ", created AS (
            INSERT INTO runs (run_key, run_id, queue_id, state, priority, fingerprint, due_at, created_at)
            SELECT u.run_key, u.run_id, u.queue_id, 'pending', u.priority, u.fingerprint,
                   CASE WHEN u.delay_us > 0 THEN c.now + u.delay_us END, c.now
            FROM unnest(", $key, "::uuid[], ", $id, "::text[], ", $queue, "::integer[], ", $priority, "::smallint[], ",
                        $fingerprint, "::bigint[], ", $delay, "::bigint[])
                 u (run_key, run_id, queue_id, priority, fingerprint, delay_us)
            CROSS JOIN clock c
            ON CONFLICT (run_key) DO NOTHING
            RETURNING run_key, queue_id, priority, due_at, created_at
        ),
        inputs AS (
            INSERT INTO checkpoints (run_key, position, ordinal, kind, site, input_digest, attempts, took_us, outcome,
                                     payload, epoch, at)
            SELECT u.run_key, '$input', 0, 'input', 0, u.digest, 0, 0, 'ok', u.payload, 0, c.now
            FROM unnest(", $key, "::uuid[], ", $digest, "::bigint[], ", $input, "::text[]) u (run_key, digest, payload)
            CROSS JOIN clock c
            ON CONFLICT (run_key, position) DO NOTHING
        ),
        queued AS (
            INSERT INTO queue (queue_id, rank, since, run_key)
            SELECT queue_id, -priority::integer, created_at, run_key FROM created WHERE due_at IS NULL
        ),
        armed AS (
            INSERT INTO timers (due_at, run_key) SELECT due_at, run_key FROM created WHERE due_at IS NOT NULL
        )"
        )
    };
}

/// Checkpoints of runs that go on.
pub(super) const KEEP: &str = concat!(
    alive!(),
    kept!(),
    " SELECT NULL::uuid[] AS created, NULL::uuid[] AS moved, NULL::uuid[] AS awake,
             (SELECT array_agg(run_key) FROM kept) AS kept"
);

/// Checkpoints, and runs that end, sleep or are given back.
pub(super) const MOVE: &str = concat!(
    alive!(),
    kept!(),
    moved!(),
    " SELECT NULL::uuid[] AS created,
             (SELECT array_agg(run_key) FROM moved) AS moved,
             (SELECT array_agg(run_key) FROM moved WHERE state = 'running') AS awake,
             (SELECT array_agg(run_key) FROM kept) AS kept"
);

/// Starts.
pub(super) const START: &str = concat!(
    "WITH clock AS MATERIALIZED (SELECT now_us() AS now)",
    started!("$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8"),
    " SELECT (SELECT array_agg(run_key) FROM created) AS created,
             NULL::uuid[] AS moved, NULL::uuid[] AS awake, NULL::uuid[] AS kept"
);

/// Whatever comes together on a busy day: starts, checkpoints, and runs that end.
pub(super) const MIX: &str = concat!(
    alive!(),
    kept!(),
    moved!(),
    started!("$22" "$23" "$24" "$25" "$26" "$27" "$28" "$29"),
    " SELECT (SELECT array_agg(run_key) FROM created) AS created,
             (SELECT array_agg(run_key) FROM moved) AS moved,
             (SELECT array_agg(run_key) FROM moved WHERE state = 'running') AS awake,
             (SELECT array_agg(run_key) FROM kept) AS kept"
);

/// Everything.
pub(super) const FLUSH: &str = concat!(
    alive!(),
    kept!(),
    moved!(),
    started!("$22" "$23" "$24" "$25" "$26" "$27" "$28" "$29"),
    happened!(),
    " SELECT (SELECT array_agg(run_key) FROM created) AS created,
             (SELECT array_agg(run_key) FROM moved) AS moved,
             (SELECT array_agg(run_key) FROM moved WHERE state = 'running') AS awake,
             (SELECT array_agg(run_key) FROM (SELECT run_key FROM kept UNION ALL SELECT run_key FROM happened) k) AS kept"
);
