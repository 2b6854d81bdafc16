//! What a run has left, what is there of a commit, and the moves of a run outside of commits.

use super::{checkpoint_columns, event_columns, gate_columns};

/// Checkpoints of a run. `$1` its key.
pub(in crate::store) const CHECKPOINTS: &str = concat!(
    "SELECT ",
    checkpoint_columns!(),
    " FROM checkpoints WHERE run_key = $1 ORDER BY ordinal, position"
);

/// Events of a run. `$1` its key.
pub(in crate::store) const EVENTS: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM events WHERE run_key = $1 ORDER BY at, id"
);

/// Gates of a run. `$1` its key.
pub(in crate::store) const GATES: &str = concat!(
    "SELECT ",
    gate_columns!(),
    " FROM gates g JOIN runs r ON r.run_key = g.run_key WHERE g.run_key = $1 ORDER BY g.name"
);

/// What a run was started for. `$1` its key.
pub(in crate::store) const STARTED_FOR: &str =
    "SELECT q.workflow, c.payload FROM runs r JOIN queues q ON q.queue_id = r.queue_id
     JOIN checkpoints c ON c.run_key = r.run_key AND c.position = '$input' WHERE r.run_key = $1";

/// The fence of a commit: the run, and whether the worker's lease holds. `$1` run, `$2` worker; `now` is this
/// dialect's clock.
macro_rules! fence {
    ($now:literal) => {
        concat!(
            "SELECT r.state, r.epoch, r.worker, r.wakes, (SELECT count(*) FROM workers w \
             WHERE w.worker = $2 AND w.gone_at IS NULL AND w.lease_until > ",
            $now,
            ") AS leases FROM runs r WHERE r.run_key = $1"
        )
    };
}

/// Positions that were written under one claim. `$1` run, `$2` epoch.
pub(in crate::store) const POSITIONS_OF_EPOCH: &str =
    "SELECT position FROM checkpoints WHERE run_key = $1 AND epoch = $2";

/// Ids of a run's events. `$1` its key.
pub(in crate::store) const EVENT_IDS: &str = "SELECT id FROM events WHERE run_key = $1";

/// Removes a checkpoint that made a run fail. `$1` run, `$2` position.
pub(in crate::store) const DELETE_CHECKPOINT: &str =
    "DELETE FROM checkpoints WHERE run_key = $1 AND position = $2";

/// Makes a run `pending` that nobody drives, whatever it waited for. `$1` its key. It must be put into the queue,
/// and its timer taken away, in the same transaction.
pub(in crate::store) const MAKE_PENDING: &str =
    "UPDATE runs SET state = 'pending', waiting = NULL, due_at = NULL, error = NULL, finished_at = NULL
     WHERE run_key = $1";

/// Puts a run into the queue. `$1` its key.
pub(in crate::store) const ENQUEUE: &str = "INSERT INTO queue (queue_id, rank, since, run_key)
     SELECT queue_id, -CAST(priority AS integer), created_at, run_key FROM runs WHERE run_key = $1";

/// Takes a run's timer away. `$1` when it is due, `$2` the run.
pub(in crate::store) const DISARM: &str = "DELETE FROM timers WHERE due_at = $1 AND run_key = $2";

/// Adds to a run's timeline. `$1` run, `$2` id, `$3` time, `$4` kind, `$5` the event as JSON.
pub(in crate::store) const INSERT_EVENT: &str =
    "INSERT INTO events (run_key, id, at, kind, detail) VALUES ($1, $2, $3, $4, $5)";

pub(in crate::store) use fence;
