//! What a run has left, and what is there of a commit.

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

/// Takes a checkpoint away. `$1` run, `$2` position.
pub(in crate::store) const DELETE_CHECKPOINT: &str =
    "DELETE FROM checkpoints WHERE run_key = $1 AND position = $2";

/// Adds a checkpoint that no worker wrote: its epoch is that of no claim. `$1` run, `$2` position, `$3` ordinal, `$4` kind,
/// `$5` site, `$6` digest, `$7` attempts, `$8` how long it took, `$9` outcome, `$10` payload, `$11` when.
pub(in crate::store) const INSERT_CHECKPOINT: &str =
    "INSERT INTO checkpoints (run_key, position, ordinal, kind, site, input_digest, attempts, took_us, outcome,
                              payload, epoch, at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)";

/// Ordinal of a run's last checkpoint. `$1` its key.
pub(in crate::store) const LAST_ORDINAL: &str =
    "SELECT max(ordinal) AS ordinal FROM checkpoints WHERE run_key = $1";

/// One event. `$1` run, `$2` id.
pub(in crate::store) const HAS_EVENT: &str = "SELECT id FROM events WHERE run_key = $1 AND id = $2";

/// Adds to a run's timeline. `$1` run, `$2` id, `$3` time, `$4` kind, `$5` the event as JSON.
pub(in crate::store) const INSERT_EVENT: &str =
    "INSERT INTO events (run_key, id, at, kind, detail) VALUES ($1, $2, $3, $4, $5)";

pub(in crate::store) use fence;
