//! Decisions of people.

use super::gate_columns;

/// One gate. `$1` run, `$2` name.
pub(in crate::store) const GATE: &str = concat!(
    "SELECT ",
    gate_columns!(),
    " FROM gates g JOIN runs r ON r.run_key = g.run_key WHERE g.run_key = $1 AND g.name = $2"
);

/// Keeps a decision, asked for or not. `$1` run, `$2` name, `$3` approved, `$4` by whom, `$5` why, `$6` when.
pub(in crate::store) const DECIDE: &str =
    "INSERT INTO gates (run_key, name, approved, decided_by, reason, decided_at) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (run_key, name) DO UPDATE SET approved = excluded.approved, decided_by = excluded.decided_by,
         reason = excluded.reason, decided_at = excluded.decided_at";

/// Tells a run that there is a message. `$1` its key.
pub(in crate::store) const RAISE_WAKES: &str =
    "UPDATE runs SET wakes = wakes + 1 WHERE run_key = $1";

/// Gates at which unfinished runs wait. `$1` limit.
pub(in crate::store) const OPEN_GATES: &str = concat!(
    "SELECT ",
    gate_columns!(),
    " FROM gates g JOIN runs r ON r.run_key = g.run_key
      WHERE g.decided_at IS NULL AND g.asked_at IS NOT NULL AND r.state NOT IN ('completed', 'failed', 'cancelled')
      ORDER BY g.asked_at, g.run_key, g.name LIMIT $1"
);
