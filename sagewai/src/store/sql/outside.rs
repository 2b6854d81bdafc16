//! What comes to runs from outside: gates, messages, children, and the moves of a run that no worker makes.

use super::{gate_columns, place, place_columns, run_columns};

/// Changes a run's row. `$1` its key, `$2` state, `$3` waiting, `$4` due, `$5` error, `$6` end, `$7` claims, `$8` wakes,
/// `$9` whether it is pausing.
pub(in crate::store) const PUT_RUN: &str =
    "UPDATE runs SET state = CAST($2 AS text), waiting = $3, due_at = $4, error = $5, finished_at = $6, claims = $7, wakes = $8,
         pausing = $9, away_id = CASE WHEN CAST($2 AS text) IN ('pending', 'running') THEN away_id END
     WHERE run_key = $1";

/// Puts a run into the queue. `$1` its key.
pub(in crate::store) const ENQUEUE: &str = concat!(
    "INSERT INTO queue ",
    place_columns!(),
    " SELECT ",
    place!(""),
    " FROM runs WHERE run_key = $1"
);

/// Takes a run out of the queue. `$1` its key.
pub(in crate::store) const DEQUEUE: &str = concat!(
    "DELETE FROM queue WHERE ",
    place_columns!(),
    " IN (SELECT ",
    place!(""),
    " FROM runs WHERE run_key = $1)"
);

/// Has a run looked at. `$1` when, `$2` the run.
pub(in crate::store) const ARM: &str =
    "INSERT INTO timers (due_at, run_key) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// Takes a run's timer away. `$1` when it is due, `$2` the run.
pub(in crate::store) const DISARM: &str = "DELETE FROM timers WHERE due_at = $1 AND run_key = $2";

/// One gate. `$1` run, `$2` name.
pub(in crate::store) const GATE: &str = concat!(
    "SELECT ",
    gate_columns!(),
    " FROM gates g JOIN runs r ON r.run_key = g.run_key WHERE g.run_key = $1 AND g.name = $2"
);

/// Keeps what people have said at a gate, asked for or not. `$1` run, `$2` name, `$3` votes, `$4` approved, `$5` by whom,
/// `$6` why, `$7` when.
pub(in crate::store) const PUT_GATE: &str =
    "INSERT INTO gates (run_key, name, votes, approved, decided_by, reason, decided_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (run_key, name) DO UPDATE SET votes = excluded.votes, approved = excluded.approved,
         decided_by = excluded.decided_by, reason = excluded.reason, decided_at = excluded.decided_at";

/// What becomes of a gate that is there when a run asks: a question that was put stays, and a decision that stands.
macro_rules! keep_asked {
    () => {
        "ON CONFLICT (run_key, name) DO UPDATE SET
            prompt = CASE WHEN g.asked_at IS NULL THEN excluded.prompt ELSE g.prompt END,
            context = CASE WHEN g.asked_at IS NULL THEN excluded.context ELSE g.context END,
            rules = CASE WHEN g.asked_at IS NULL THEN excluded.rules ELSE g.rules END,
            digest = CASE WHEN g.asked_at IS NULL THEN excluded.digest ELSE g.digest END,
            deadline_at = CASE WHEN g.asked_at IS NULL THEN excluded.deadline_at ELSE g.deadline_at END,
            asked_at = coalesce(g.asked_at, excluded.asked_at),
            approved = CASE WHEN g.decided_at IS NULL THEN excluded.approved ELSE g.approved END,
            decided_by = CASE WHEN g.decided_at IS NULL THEN excluded.decided_by ELSE g.decided_by END,
            reason = CASE WHEN g.decided_at IS NULL THEN excluded.reason ELSE g.reason END,
            decided_at = coalesce(g.decided_at, excluded.decided_at)
         WHERE g.asked_at IS NULL OR (g.decided_at IS NULL AND excluded.decided_at IS NOT NULL)"
    };
}

/// Takes a gate away. `$1` run, `$2` name.
pub(in crate::store) const DELETE_GATE: &str = "DELETE FROM gates WHERE run_key = $1 AND name = $2";

/// Gates at which unfinished runs wait. `$1` limit.
pub(in crate::store) const OPEN_GATES: &str = concat!(
    "SELECT ",
    gate_columns!(),
    " FROM gates g JOIN runs r ON r.run_key = g.run_key
      WHERE g.asked_at IS NOT NULL AND g.decided_at IS NULL AND g.withdrawn_at IS NULL
        AND r.state NOT IN ('completed', 'failed', 'cancelled')
      ORDER BY g.asked_at, g.run_key, g.name LIMIT $1"
);

/// A message that was not taken. `$1` run, `$2` id.
pub(in crate::store) const SIGNAL: &str =
    "SELECT id, name, payload, sent_by, sent_at FROM signals WHERE run_key = $1 AND id = $2";

/// Messages that a run has not taken, in order. `$1` its key.
pub(in crate::store) const SIGNALS: &str =
    "SELECT id, name, payload, sent_by, sent_at FROM signals WHERE run_key = $1 ORDER BY ordinal";

/// Keeps a message. `$1` run, `$2` ordinal, `$3` id, `$4` name, `$5` payload, `$6` by whom, `$7` when.
pub(in crate::store) const PUT_SIGNAL: &str = "INSERT INTO signals (run_key, ordinal, id, name, payload, sent_by, sent_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Takes a message away. `$1` run, `$2` id.
pub(in crate::store) const DELETE_SIGNAL: &str =
    "DELETE FROM signals WHERE run_key = $1 AND id = $2";

/// A run, and whether there is more that a message could be. `$1` its key.
pub(in crate::store) const MESSAGES: &str = concat!(
    "SELECT ",
    run_columns!(),
    ", EXISTS (SELECT 1 FROM gates g WHERE g.run_key = r.run_key) AS has_gates,
       EXISTS (SELECT 1 FROM signals s WHERE s.run_key = r.run_key) AS has_signals,
       EXISTS (SELECT 1 FROM runs c WHERE c.parent_key = r.run_key) AS has_children
      FROM runs r JOIN queues q ON q.queue_id = r.queue_id WHERE r.run_key = $1"
);

/// Runs that a run has started, in order, with their results where they are over. `$1` its key.
pub(in crate::store) const CHILDREN: &str =
    "SELECT r.run_id, q.workflow, r.state, r.header, r.finished_at, k.outcome, k.payload
     FROM runs r JOIN queues q ON q.queue_id = r.queue_id
     LEFT JOIN checkpoints k ON k.run_key = r.run_key AND k.position = '$output' AND r.finished_at IS NOT NULL
     WHERE r.parent_key = $1 ORDER BY r.created_at, r.run_key";

/// Has the children of a run that are not over asked to end with it. `$1` the run, `$2` when.
pub(in crate::store) const END_CHILDREN: &str = "INSERT INTO endings (due_at, run_key, cause)
     SELECT $2, run_key, 'parent' FROM runs WHERE parent_key = $1 AND finished_at IS NULL
     ON CONFLICT DO NOTHING";

/// Forgets that a run was to be ended. `$1` its key, `$2` cause.
pub(in crate::store) const DELETE_ENDING: &str =
    "DELETE FROM endings WHERE run_key = $1 AND cause = $2";

/// Forgets endings that are due and mean nothing any more, which is how most of them end: the run is over, or was taken in
/// time. `$1` now.
pub(in crate::store) const FORGET_ENDINGS: &str = "DELETE FROM endings WHERE due_at <= $1 AND EXISTS (
         SELECT 1 FROM runs r WHERE r.run_key = endings.run_key
         AND (r.finished_at IS NOT NULL OR (endings.cause = 'expired' AND r.started_at IS NOT NULL)))";

/// Runs that are to be ended by now, at most a thousand. `$1` now.
pub(in crate::store) const ENDINGS: &str = "SELECT run_key, cause FROM endings WHERE due_at <= $1 ORDER BY due_at, run_key, cause LIMIT 1000";

pub(in crate::store) use keep_asked;
