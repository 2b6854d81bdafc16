//! What people ask.

use super::{done_columns, run_columns};

/// One run. `$1` its key.
pub(in crate::store) const RUN: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM runs r JOIN queues q ON q.queue_id = r.queue_id WHERE r.run_key = $1"
);

/// What a run has left, without values. `$1` its key.
pub(in crate::store) const DONE: &str = concat!(
    "SELECT ",
    done_columns!(),
    " FROM checkpoints WHERE run_key = $1 ORDER BY ordinal, position"
);

/// Runs, newest first. `$1` state, `$2` workflow, `$3` key of the run before which they were created; each may be
/// null. `$4` limit.
pub(in crate::store) const RUNS: &str = concat!(
    "SELECT ",
    run_columns!(),
    " FROM runs r JOIN queues q ON q.queue_id = r.queue_id
      WHERE (CAST($1 AS text) IS NULL OR r.state = $1)
        AND (CAST($2 AS text) IS NULL OR q.workflow = $2)
        AND ((r.created_at, r.run_key) < (SELECT b.created_at, b.run_key FROM runs b WHERE b.run_key = $3) OR $3 IS NULL)
      ORDER BY r.created_at DESC, r.run_key DESC LIMIT $4"
);

/// How many runs there are in each state.
pub(in crate::store) const COUNTS: &str = "SELECT state, count(*) AS runs FROM runs GROUP BY state";
/// What `row::worker` reads, from `workers`.
macro_rules! worker_columns {
    () => {
        "worker, name, exclusive, pool, CAST(labels AS text) AS labels, slots, lease_us, host, program, wish, started_at, \
         seen_at, lease_until, gone_at, signed_off, running"
    };
}

/// Workers, newest first. `$1` the time before which a worker must not have gone.
pub(in crate::store) const WORKERS: &str = concat!(
    "SELECT ",
    worker_columns!(),
    " FROM workers WHERE gone_at IS NULL OR gone_at > $1 ORDER BY started_at DESC, worker DESC"
);

pub(in crate::store) use worker_columns;
