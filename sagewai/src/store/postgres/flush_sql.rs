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

/// The fence between a row `u` of the batch and its run `r`. The workers are looked at once, however many rows ask.
macro_rules! ours {
    () => {
        " r.run_key = u.run_key AND r.epoch = u.epoch AND r.worker = u.worker AND r.state = 'running'
          AND u.worker = ANY ((SELECT array_agg(worker) FROM alive)::uuid[]) "
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
                   u.payload, u.epoch, (SELECT now FROM clock)
            FROM unnest($2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::integer[], $7::text[], $8::integer[],
                        $9::bigint[], $10::integer[], $11::bigint[], $12::text[], $13::text[])
                 u (run_key, epoch, worker, position, ordinal, kind, site, digest, attempts, took_us, outcome, payload)
            JOIN runs r ON",
            ours!(),
            "RETURNING run_key
        )"
        )
    };
}

/// Runs that are complete. `$14` to `$16`.
macro_rules! completed {
    () => {
        concat!(
            ", completed AS (
            UPDATE runs r SET state = 'completed', error = NULL, finished_at = (SELECT now FROM clock)
            FROM unnest($14::uuid[], $15::integer[], $16::uuid[]) u (run_key, epoch, worker)
            WHERE",
            ours!(),
            "RETURNING r.run_key
        )"
        )
    };
}

/// How runs go on that do not just stay with their workers. `$14` to `$21`.
macro_rules! moved {
    () => {
        concat!(
            ", moved AS (
            UPDATE runs r
            SET state = CASE WHEN r.wakes <> u.wakes THEN 'running' ELSE u.state END,
                waiting = CASE WHEN r.wakes = u.wakes THEN u.waiting END,
                due_at = CASE WHEN r.wakes = u.wakes THEN (SELECT now FROM clock) + u.wake_us END,
                error = u.error,
                finished_at = CASE WHEN u.state IN ('completed', 'failed') THEN (SELECT now FROM clock) END
            FROM unnest($14::uuid[], $15::integer[], $16::uuid[], $17::text[], $18::integer[], $19::text[],
                        $20::bigint[], $21::text[])
                 u (run_key, epoch, worker, state, wakes, waiting, wake_us, error)
            WHERE",
            ours!(),
            "RETURNING r.run_key, r.queue_id, r.priority, r.state, r.due_at, r.created_at
        ),
        queued_again AS (
            INSERT INTO queue (queue_id, rank, since, run_key)
            SELECT queue_id, -priority::integer, created_at, run_key FROM moved WHERE state = 'pending'
        ),
        armed_again AS (
            INSERT INTO timers (due_at, run_key) SELECT due_at, run_key FROM moved WHERE due_at IS NOT NULL
        )"
        )
    };
}

/// Events and questions. `$30` to `$41`.
macro_rules! happened {
    () => {
        concat!(
            ", happened AS (
            INSERT INTO events (run_key, id, at, kind, detail)
            SELECT u.run_key, u.id, (SELECT now FROM clock), u.kind, u.detail
            FROM unnest($30::uuid[], $31::integer[], $32::uuid[], $33::uuid[], $34::text[], $35::text[])
                 u (run_key, epoch, worker, id, kind, detail)
            JOIN runs r ON",
            ours!(),
            "RETURNING run_key
        ),
        asked AS (
            INSERT INTO gates (run_key, name, prompt, context, asked_at)
            SELECT u.run_key, u.name, u.prompt, u.context, (SELECT now FROM clock)
            FROM unnest($36::uuid[], $37::integer[], $38::uuid[], $39::text[], $40::text[], $41::text[])
                 u (run_key, epoch, worker, name, prompt, context)
            JOIN runs r ON",
            ours!(),
            "ON CONFLICT (run_key, name) DO UPDATE
            SET prompt = excluded.prompt, context = excluded.context, asked_at = excluded.asked_at
            WHERE gates.asked_at IS NULL
        )"
        )
    };
}

/// Runs that start: their keys, ids, queues, priorities, fingerprints, more columns where some start later, and when
/// they are due; then keys, digests of the inputs, inputs.
///
/// An input goes by its own key, not by whether the run was created: both were made in one transaction.
macro_rules! created {
    (runs: $runs:literal, more: $more:literal, due: $due:literal, inputs: $inputs:literal) => {
        concat!(
            ", created AS (
            INSERT INTO runs (run_key, run_id, queue_id, state, priority, fingerprint, due_at, created_at)
            SELECT u.run_key, u.run_id, u.queue_id, 'pending', u.priority, u.fingerprint, ",
            $due,
            ",
                   (SELECT now FROM clock)
            FROM unnest(",
            $runs,
            ") u (run_key, run_id, queue_id, priority, fingerprint",
            $more,
            ")
            ON CONFLICT (run_key) DO NOTHING
            RETURNING run_key, queue_id, priority, due_at, created_at
        ),
        inputs AS (
            INSERT INTO checkpoints (run_key, position, ordinal, kind, site, input_digest, attempts, took_us, outcome,
                                     payload, epoch, at)
            SELECT u.run_key, '$input', 0, 'input', 0, u.digest, 0, 0, 'ok', u.payload, 0, (SELECT now FROM clock)
            FROM unnest(",
            $inputs,
            ") u (run_key, digest, payload)
            ON CONFLICT (run_key, position) DO NOTHING
        ),
        queued AS (
            INSERT INTO queue (queue_id, rank, since, run_key)
            SELECT queue_id, -priority::integer, created_at, run_key FROM created WHERE due_at IS NULL
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

/// Checkpoints, and runs that are complete.
pub(super) const END: &str = concat!(
    alive!(),
    kept!(),
    completed!(),
    " SELECT NULL::uuid[] AS created,
             (SELECT array_agg(run_key) FROM completed) AS moved, NULL::uuid[] AS awake,
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

/// Starts, none of them later.
pub(super) const START: &str = concat!(
    "WITH clock AS MATERIALIZED (SELECT now_us() AS now)",
    created!(
        runs: "$1::uuid[], $2::text[], $3::integer[], $4::smallint[], $5::bigint[]",
        more: "",
        due: "NULL",
        inputs: "$1::uuid[], $6::bigint[], $7::text[]"
    ),
    " SELECT (SELECT array_agg(run_key) FROM created) AS created,
             NULL::uuid[] AS moved, NULL::uuid[] AS awake, NULL::uuid[] AS kept"
);

/// What comes together on a busy day: starts, none of them later, checkpoints, and runs that are complete.
pub(super) const MIX: &str = concat!(
    alive!(),
    kept!(),
    completed!(),
    created!(
        runs: "$17::uuid[], $18::text[], $19::integer[], $20::smallint[], $21::bigint[]",
        more: "",
        due: "NULL",
        inputs: "$17::uuid[], $22::bigint[], $23::text[]"
    ),
    " SELECT (SELECT array_agg(run_key) FROM created) AS created,
             (SELECT array_agg(run_key) FROM completed) AS moved, NULL::uuid[] AS awake,
             (SELECT array_agg(run_key) FROM kept) AS kept"
);

/// Everything.
pub(super) const FLUSH: &str = concat!(
    alive!(),
    kept!(),
    moved!(),
    created!(
        runs: "$22::uuid[], $23::text[], $24::integer[], $25::smallint[], $26::bigint[], $29::bigint[]",
        more: ", delay_us",
        due: "CASE WHEN u.delay_us > 0 THEN (SELECT now FROM clock) + u.delay_us END",
        inputs: "$22::uuid[], $27::bigint[], $28::text[]"
    ),
    ", armed AS (
        INSERT INTO timers (due_at, run_key) SELECT due_at, run_key FROM created WHERE due_at IS NOT NULL
    )",
    happened!(),
    " SELECT (SELECT array_agg(run_key) FROM created) AS created,
             (SELECT array_agg(run_key) FROM moved) AS moved,
             (SELECT array_agg(run_key) FROM moved WHERE state = 'running') AS awake,
             (SELECT array_agg(run_key) FROM (SELECT run_key FROM kept UNION ALL SELECT run_key FROM happened) k) AS kept"
);
