//! Schedules: read whole, and written whole over the revision that was read.

use super::schedule_columns;

/// Creates one; does nothing where there is one of this name. `$1` to `$5`: name, revision, when it is due,
/// definition, progress.
pub(in crate::store) const CREATE_SCHEDULE: &str =
    "INSERT INTO schedules (name, revision, due_at, definition, progress) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (name) DO NOTHING";

/// Writes over one revision of it. `$1` to `$5` as above, `$6` the revision that must be there.
pub(in crate::store) const CHANGE_SCHEDULE: &str = "UPDATE schedules SET revision = $2, due_at = $3, definition = $4, progress = $5 WHERE name = $1 AND revision = $6";

/// `$1` name.
pub(in crate::store) const DELETE_SCHEDULE: &str = "DELETE FROM schedules WHERE name = $1";

/// `$1` name.
pub(in crate::store) const SCHEDULE: &str = concat!(
    "SELECT ",
    schedule_columns!(),
    " FROM schedules WHERE name = $1"
);

/// All of them.
pub(in crate::store) const SCHEDULES: &str = concat!(
    "SELECT ",
    schedule_columns!(),
    " FROM schedules ORDER BY name"
);

/// Those whose time has come. `$1` now, `$2` limit.
pub(in crate::store) const DUE_SCHEDULES: &str = concat!(
    "SELECT ",
    schedule_columns!(),
    " FROM schedules WHERE due_at <= $1 ORDER BY due_at, name LIMIT $2"
);
