//! The workers as a whole.

use super::worker_columns;

/// Who calls this name its own. `$1` name.
pub(in crate::store) const NAME_HOLDER: &str = concat!(
    "SELECT ",
    worker_columns!(),
    " FROM workers WHERE name = $1 AND gone_at IS NULL AND exclusive"
);

/// Removes workers that have been gone for long. `$1` the time before which they must have gone.
pub(in crate::store) const FORGET_WORKERS: &str =
    "DELETE FROM workers WHERE gone_at <= $1 AND NOT orphans";

/// Notes what people want of a worker. `$1` worker, `$2` what.
pub(in crate::store) const PUT_WISH: &str =
    "UPDATE workers SET wish = $2 WHERE worker = $1 AND gone_at IS NULL";

/// What people want of a worker. `$1` worker.
pub(in crate::store) const WISH: &str =
    "SELECT wish FROM workers WHERE worker = $1 AND gone_at IS NULL";

/// Forgets choices that have expired. `$1` now.
pub(in crate::store) const FORGET_ASSIGNMENTS: &str =
    "DELETE FROM assignments WHERE expires_at <= $1";

/// Keeps a choice. `$1` worker, `$2` id, `$3` until when.
pub(in crate::store) const PUT_ASSIGNMENT: &str =
    "INSERT INTO assignments (worker, id, expires_at) VALUES ($1, $2, $3)";
