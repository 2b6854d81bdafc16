//! Starts that look at other runs first.

/// Keeps other limited starts of a workflow waiting. `$1` workflow.
///
/// A row that changes, and no lock without one: a transaction that reads by an older snapshot must not count by it.
pub(in crate::store) const LOCK_WORKFLOW: &str =
    "INSERT INTO admissions (workflow, admitted) VALUES ($1, 1)
     ON CONFLICT (workflow) DO UPDATE SET admitted = admissions.admitted + 1";

/// How many runs of a workflow wait: in the queue, or put off. `$1` workflow, `$2` how many are counted of each.
pub(in crate::store) const DEPTH: &str = "SELECT
     (SELECT count(*) FROM (
         SELECT 1 FROM queues s JOIN queue q ON q.queue_id = s.queue_id WHERE s.workflow = $1 LIMIT $2) queued)
     + (SELECT count(*) FROM (
         SELECT 1 FROM put_off p JOIN runs r ON r.run_key = p.run_key
         WHERE p.workflow = $1 AND r.state = 'pending' AND r.due_at IS NOT NULL LIMIT $2) later) AS depth";

/// Notes that a run is put off. `$1` workflow, `$2` its key.
pub(in crate::store) const NOTE_PUT_OFF: &str =
    "INSERT INTO put_off (workflow, run_key) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// Forgets those of a workflow that are not any more. `$1` workflow.
pub(in crate::store) const FORGET_PUT_OFF: &str = "DELETE FROM put_off WHERE workflow = $1 AND NOT EXISTS (
         SELECT 1 FROM runs r WHERE r.run_key = put_off.run_key AND r.state = 'pending' AND r.due_at IS NOT NULL)";

/// Locks a key, and says which run its starts become. `$1` workflow, `$2` key, `$3` the run where there is none yet, `$4`
/// now.
pub(in crate::store) const LOCK_KEY: &str =
    "INSERT INTO debounces (workflow, key, run_key, since, until) VALUES ($1, $2, $3, $4, $4)
     ON CONFLICT (workflow, key) DO UPDATE SET until = debounces.until RETURNING run_key, since";

/// Notes which run the starts with a key become. `$1` workflow, `$2` key, `$3` the run, `$4` when the first of them was,
/// `$5` when it begins.
pub(in crate::store) const KEEP_KEY: &str =
    "UPDATE debounces SET run_key = $3, since = $4, until = $5 WHERE workflow = $1 AND key = $2";

/// Gives a run that has not begun what the last start said. `$1` its key, `$2` queue, `$3` priority, `$4` fingerprint, `$5`
/// when it is due, `$6` concurrency key.
pub(in crate::store) const REPLACE_RUN: &str =
    "UPDATE runs SET queue_id = $2, priority = $3, fingerprint = $4, due_at = $5, lane = $6
     WHERE run_key = $1";

/// Gives it other arguments. `$1` its key, `$2` arguments, `$3` their digest, `$4` when.
pub(in crate::store) const REPLACE_INPUT: &str = "UPDATE checkpoints SET payload = $2, input_digest = $3, at = $4 WHERE run_key = $1 AND position = '$input'";
