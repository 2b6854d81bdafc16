//! The statements that write a batch: one of them for each, the shortest that has what the batch needs.
//!
//! A statement costs by its parts, also by those that find nothing to do, and a lone commit is most often a lone
//! checkpoint.

use crate::store::sql::{keep_asked, place, place_columns};

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
            UPDATE runs r
            SET state = 'completed', error = NULL, pausing = false, finished_at = (SELECT now FROM clock)
            FROM unnest($14::uuid[], $15::integer[], $16::uuid[]) u (run_key, epoch, worker)
            WHERE",
            ours!(),
            "RETURNING r.run_key
        )"
        )
    };
}

/// How runs go on that do not just stay with their workers. `$14` to `$21`, and one more where some are handed over: the
/// queue that they go to. Otherwise a run leaves the queue of a step when it sleeps, pauses or ends.
macro_rules! moved {
    () => {
        moved!(arrays: "", columns: "", away: "r.away_id")
    };
    (handed_over: $array:literal) => {
        moved!(arrays: concat!(", ", $array), columns: ", away_id", away: "coalesce(u.away_id, r.away_id)")
    };
    (arrays: $arrays:expr, columns: $columns:literal, away: $away:literal) => {
        concat!(
            ", moved AS (
            UPDATE runs r
            SET state = CASE WHEN r.wakes <> u.wakes THEN 'running' ELSE u.state END,
                waiting = CASE WHEN r.wakes = u.wakes THEN u.waiting END,
                due_at = CASE WHEN r.wakes = u.wakes THEN (SELECT now FROM clock) + u.wake_us END,
                error = u.error,
                away_id = CASE WHEN r.wakes <> u.wakes OR u.state IN ('pending', 'running') THEN ",
            $away,
            " END,
                pausing = CASE WHEN r.wakes <> u.wakes THEN r.pausing
                               WHEN u.state IN ('paused', 'completed', 'failed') THEN false ELSE r.pausing END,
                finished_at = CASE WHEN u.state IN ('completed', 'failed') THEN (SELECT now FROM clock) END
            FROM unnest($14::uuid[], $15::integer[], $16::uuid[], $17::text[], $18::integer[], $19::text[],
                        $20::bigint[], $21::text[]",
            $arrays,
            ")
                 u (run_key, epoch, worker, state, wakes, waiting, wake_us, error",
            $columns,
            ")
            WHERE",
            ours!(),
            "RETURNING r.run_key, r.queue_id, r.away_id, r.lane, r.epoch, r.priority, r.state, r.due_at, r.created_at
        ),
        queued_again AS (
            INSERT INTO queue ",
            place_columns!(),
            " SELECT ",
            place!(""),
            " FROM moved WHERE state = 'pending'
        ),
        armed_again AS (
            INSERT INTO timers (due_at, run_key) SELECT due_at, run_key FROM moved WHERE due_at IS NOT NULL
        )"
        )
    };
}

/// Undoes everything where a run was moved by somebody else on the way: its row is then not moved here, while other rows
/// of its commit would be written. What was fenced from the start leaves no rows anyway. It is asked for after `moved`,
/// which therefore comes first and locks, as everybody does, the run before anything else of it; and only where that has
/// found less than was sent.
macro_rules! torn {
    // Where there are checkpoints alone, they tell, and cost less to be asked than the fence.
    ($moved:literal, checkpoints) => {
        torn!($moved; "SELECT FROM kept u WHERE u.run_key = ANY($14) AND", "")
    };
    ($moved:literal, anything) => {
        torn!(
            $moved;
            "SELECT FROM unnest($14::uuid[], $15::integer[], $16::uuid[]) u (run_key, epoch, worker) JOIN runs r ON",
            ours!(),
            "WHERE"
        )
    };
    ($moved:literal; $($written:expr),*) => {
        concat!(
            "CASE WHEN (SELECT count(*) FROM ", $moved, ") < cardinality($14)
                  THEN CASE WHEN EXISTS (",
            $($written,)*
            " u.run_key NOT IN (SELECT run_key FROM ", $moved, ")) THEN clash() ELSE false END
                  ELSE false END AS torn"
        )
    };
}

/// Events and questions. `$30` to `$47`.
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
            INSERT INTO gates AS g (run_key, name, prompt, context, rules, digest, asked_at, deadline_at, approved,
                                    decided_by, reason, decided_at)
            SELECT u.run_key, u.name, u.prompt, u.context, u.rules, u.digest, c.now, c.now + u.deadline_us, u.approved,
                   u.decided_by, u.reason, CASE WHEN u.approved IS NOT NULL THEN c.now END
            FROM unnest($36::uuid[], $37::integer[], $38::uuid[], $39::text[], $40::text[], $41::text[], $42::text[],
                        $43::text[], $44::bigint[], $45::boolean[], $46::text[], $47::text[])
                 u (run_key, epoch, worker, name, prompt, context, rules, digest, deadline_us, approved, decided_by,
                    reason)
            CROSS JOIN clock c JOIN runs r ON",
            ours!(),
            keep_asked!(),
            ")"
        )
    };
}

/// Messages that were taken, gates that are not waited at, runs that are to end, and parents that are told. `$48` to
/// `$54`. (What is open is not asked in the words of the index of open gates, which is no way to one gate.)
macro_rules! beyond {
    () => {
        concat!(
            ", beyond AS MATERIALIZED (
            SELECT u.run_key, u.gate, u.signal, u.child, u.parent, (SELECT now FROM clock) AS now
            FROM unnest($48::uuid[], $49::integer[], $50::uuid[], $51::text[], $52::text[], $53::uuid[], $54::uuid[])
                 u (run_key, epoch, worker, gate, signal, child, parent)
            JOIN runs r ON",
            ours!(),
            "),
        withdrawn AS (
            UPDATE gates g SET withdrawn_at = b.now FROM beyond b
            WHERE g.run_key = b.run_key AND g.name = b.gate
              AND g.asked_at IS NOT NULL AND coalesce(g.decided_at, g.withdrawn_at) IS NULL
        ),
        taken AS (DELETE FROM signals s USING beyond b WHERE s.run_key = b.run_key AND s.id = b.signal),
        ended AS (
            INSERT INTO endings (due_at, run_key, cause) SELECT now, child, 'parent' FROM beyond WHERE child IS NOT NULL
            ON CONFLICT DO NOTHING
        ),
        told AS (
            INSERT INTO timers (due_at, run_key) SELECT now, parent FROM beyond WHERE parent IS NOT NULL
            ON CONFLICT DO NOTHING
        )"
        )
    };
}

/// Limits of runs that start. `$57` to `$59`.
macro_rules! limited {
    () => {
        ", limited AS (
            INSERT INTO endings (due_at, run_key, cause)
            SELECT n.created_at + u.limit_us, u.run_key, u.cause
            FROM unnest($57::uuid[], $58::bigint[], $59::text[]) u (run_key, limit_us, cause)
            JOIN created n ON n.run_key = u.run_key
        )"
    };
}

/// Runs that start and are meant for a worker, which may have them before they are due. `$63` to `$65`.
macro_rules! assigned {
    () => {
        ", assigned AS (
            INSERT INTO assignments (worker, id, run_key, expires_at)
            SELECT u.worker, u.id, u.run_key, n.due_at
            FROM unnest($63::uuid[], $64::uuid[], $65::uuid[]) u (run_key, worker, id)
            JOIN created n ON n.run_key = u.run_key
            ON CONFLICT (worker, id) DO UPDATE SET run_key = excluded.run_key, expires_at = excluded.expires_at
        )"
    };
}

/// Runs that start: their keys, ids, queues, priorities, fingerprints, more columns where some start later, and when
/// they are due; then keys, digests of the inputs, inputs.
///
/// Few runs say where they come from and how long they may take: the columns for that are in the long statement only.
/// An input goes by its own key, not by whether the run was created: both were made in one transaction.
macro_rules! created {
    (runs: $runs:literal, more: $more:literal, due: $due:literal, inputs: $inputs:literal) => {
        created!(runs: $runs, more: $more, due: $due, inputs: $inputs, columns: "", values: "")
    };
    (runs: $runs:literal, more: $more:literal, due: $due:literal, inputs: $inputs:literal, columns: $columns:literal,
     values: $values:literal) => {
        concat!(
            ", created AS (
            INSERT INTO runs (run_key, run_id, queue_id, state, priority, fingerprint, due_at, created_at",
            $columns,
            ")
            SELECT u.run_key, u.run_id, u.queue_id, 'pending', u.priority, u.fingerprint, ",
            $due,
            ",
                   (SELECT now FROM clock)",
            $values,
            "
            FROM unnest(",
            $runs,
            ") u (run_key, run_id, queue_id, priority, fingerprint",
            $more,
            ")
            ON CONFLICT (run_key) DO NOTHING
            RETURNING run_key, queue_id, away_id, lane, epoch, priority, due_at, created_at
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
            INSERT INTO queue ",
            place_columns!(),
            " SELECT ",
            place!(""),
            " FROM created WHERE due_at IS NULL
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
             (SELECT array_agg(run_key) FROM completed) AS moved, NULL::uuid[] AS awake, ",
    torn!("completed", checkpoints),
    ", (SELECT array_agg(run_key) FROM kept) AS kept"
);

/// Checkpoints, and runs that end, sleep or are given back.
pub(super) const MOVE: &str = concat!(
    alive!(),
    kept!(),
    moved!(),
    " SELECT NULL::uuid[] AS created,
             (SELECT array_agg(run_key) FROM moved) AS moved,
             (SELECT array_agg(run_key) FROM moved WHERE state = 'running') AS awake, ",
    torn!("moved", checkpoints),
    ", (SELECT array_agg(run_key) FROM kept) AS kept"
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
             (SELECT array_agg(run_key) FROM completed) AS moved, NULL::uuid[] AS awake, ",
    torn!("completed", checkpoints),
    ", (SELECT array_agg(run_key) FROM kept) AS kept"
);

/// Everything.
pub(super) const FLUSH: &str = concat!(
    alive!(),
    kept!(),
    moved!(handed_over: "$62::integer[]"),
    created!(
        runs: "$22::uuid[], $23::text[], $24::integer[], $25::smallint[], $26::bigint[], $29::bigint[], $55::uuid[], $56::text[], $60::bigint[], $61::text[]",
        more: ", delay_us, parent_key, header, not_before, lane",
        due: "CASE WHEN u.delay_us > 0 OR u.not_before > (SELECT now FROM clock)
                   THEN greatest((SELECT now FROM clock) + u.delay_us, u.not_before) END",
        inputs: "$22::uuid[], $27::bigint[], $28::text[]",
        columns: ", parent_key, header, lane",
        values: ", u.parent_key, u.header, u.lane"
    ),
    ", armed AS (
        INSERT INTO timers (due_at, run_key) SELECT due_at, run_key FROM created WHERE due_at IS NOT NULL
    )",
    happened!(),
    beyond!(),
    limited!(),
    assigned!(),
    " SELECT (SELECT array_agg(run_key) FROM created) AS created,
             (SELECT array_agg(run_key) FROM moved) AS moved,
             (SELECT array_agg(run_key) FROM moved WHERE state = 'running') AS awake, ",
    torn!("moved", anything),
    ", (SELECT array_agg(run_key) FROM (SELECT run_key FROM kept UNION ALL SELECT run_key FROM happened) k) AS kept"
);
