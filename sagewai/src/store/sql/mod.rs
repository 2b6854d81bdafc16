//! Statements that are equal in both dialects. Those that differ stand with their database.
//!
//! Parameters are `$1`, `$2`, which both take. Keys bind as UUIDs, times and lengths as microseconds in 64 bits,
//! JSON as text.

mod admission;
mod fleet;
mod journal;
mod outside;
mod query;
mod queue;
mod schedules;

pub(super) use admission::*;
pub(super) use fleet::*;
pub(super) use journal::*;
pub(super) use outside::*;
pub(super) use query::*;
pub(super) use queue::*;
pub(super) use schedules::*;

/// Where a run stands in `queue`, as far as its key: this follows from its row, which is asked by `$run` (`r.`, or
/// nothing). A level of priority is worth [so much](crate::model::PRIORITY_LEVEL_US).
macro_rules! place {
    ($run:literal) => {
        concat!(
            "coalesce(",
            $run,
            "away_id, ",
            $run,
            "queue_id), coalesce(",
            $run,
            "lane, ''), (",
            $run,
            "lane IS NOT NULL AND ",
            $run,
            "epoch = 0), ",
            $run,
            "created_at - CAST(",
            $run,
            "priority AS bigint) * 60000000, ",
            $run,
            "run_key"
        )
    };
}

/// The columns of `queue`, in the order of [`place!`].
macro_rules! place_columns {
    () => {
        "(queue_id, lane, fresh, since, run_key)"
    };
}

/// What [`row::run`](super::row::run) reads, from `runs r` joined to `queues q`.
macro_rules! run_columns {
    () => {
        "r.run_id, q.workflow, q.version, q.pool, CAST(q.labels AS text) AS labels, r.state, r.epoch, r.worker, r.claims, \
         r.wakes, r.priority, r.fingerprint, r.lane, r.header, r.pausing, r.waiting, r.due_at, r.error, r.created_at, r.started_at, r.finished_at"
    };
}

/// What [`row::checkpoint`](super::row::checkpoint) reads.
macro_rules! checkpoint_columns {
    () => {
        "position, ordinal, kind, site, input_digest, attempts, took_us, outcome, payload, at"
    };
}

/// What [`row::done`](super::row::done) reads: a value stays where it is.
macro_rules! done_columns {
    () => {
        "position, kind, attempts, took_us, outcome, CASE WHEN outcome = 'ok' THEN NULL ELSE payload END AS payload, at"
    };
}

/// What [`row::event`](super::row::event) reads.
macro_rules! event_columns {
    () => {
        "id, at, detail"
    };
}

/// What [`row::gate`](super::row::gate) reads, from `gates g` joined to `runs r`.
macro_rules! gate_columns {
    () => {
        "r.run_id, g.name, g.prompt, g.context, g.rules, g.digest, g.asked_at, g.deadline_at, g.votes, g.approved, \
         g.decided_by, g.reason, g.decided_at, g.withdrawn_at"
    };
}

/// What [`row::schedule`](super::row::schedule) reads.
macro_rules! schedule_columns {
    () => {
        "name, revision, due_at, definition, progress"
    };
}

pub(super) use {
    checkpoint_columns, done_columns, event_columns, gate_columns, place, place_columns,
    run_columns, schedule_columns,
};
