//! Starts under rules: one transaction that locks what the rules look at, looks, and then creates. Written once for all
//! stores.
//!
//! Locks are taken in one order: the workflow, the key, the place in the queue, the run.

use super::{StoreResult, size};
use crate::model::{Admission, Debounced, NewRun, Run, RunKey, StartRules, Started, Timestamp};

/// An open transaction in which a run may be created. Nothing of it is visible before it is committed.
pub(super) trait Entry {
    type Error;

    /// What the clock says.
    fn now(&mut self) -> impl Future<Output = Result<Timestamp, Self::Error>> + Send;

    /// Keeps other limited starts of a workflow out until this transaction ends. What is read afterwards has everything
    /// that those before it wrote.
    fn lock_workflow(
        &mut self,
        workflow: &str,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// How many runs of a workflow wait for a worker or are put off; counts no further than `most`.
    fn depth(
        &mut self,
        workflow: &str,
        most: u32,
    ) -> impl Future<Output = Result<u32, Self::Error>> + Send;

    /// Notes that a run is put off, for those that count.
    fn note_put_off(
        &mut self,
        workflow: &str,
        run: RunKey,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Locks the key of a debounced start. Says which run its starts became; the one that is to be created where they
    /// became none.
    fn lock_key(
        &mut self,
        new: &NewRun,
        key: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Debounced, Self::Error>> + Send;

    /// Notes which run the starts with a key become, and when it begins.
    fn keep_key(
        &mut self,
        workflow: &str,
        key: &str,
        becomes: Debounced,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Locks a run that has not begun, and its place in the queue. None where it has begun.
    fn lock_unbegun(
        &mut self,
        run: RunKey,
    ) -> impl Future<Output = Result<Option<Run>, Self::Error>> + Send;

    /// Gives a locked run other arguments, and another place. A claim that has seen it in its old place does not get it.
    fn replace(
        &mut self,
        before: &Run,
        new: &NewRun,
        due_at: Option<Timestamp>,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// What a start means where a run of its id is there.
    fn started(
        &mut self,
        new: &NewRun,
    ) -> impl Future<Output = Result<Option<Started>, Self::Error>> + Send;

    /// Creates a run, or finds what a start of it means.
    fn create(&mut self, new: &NewRun)
    -> impl Future<Output = Result<Started, Self::Error>> + Send;
}

/// Starts a run under rules. The caller commits where it [`is_written`], and undoes everything otherwise.
pub(super) async fn admit<E: Entry + Send>(
    entry: &mut E,
    mut new: NewRun,
    rules: &StartRules,
) -> Result<Admission, E::Error> {
    if rules.depth_max.is_some() {
        entry.lock_workflow(&new.workflow).await?;
    }
    if let Some(debounce) = &rules.debounce {
        let now = entry.now().await?;
        let mut becomes = entry.lock_key(&new, &debounce.key, now).await?;
        let there = if becomes.run == new.id.key() {
            None
        } else {
            entry.lock_unbegun(becomes.run).await?
        };
        if there.is_none() {
            becomes = Debounced {
                run: new.id.key(),
                since: now,
            };
        }
        let due_at = debounce.due_at(becomes.since, now);
        entry
            .keep_key(&new.workflow, &debounce.key, becomes, due_at.unwrap_or(now))
            .await?;
        if let Some(there) = there {
            entry.replace(&there, &new, due_at, now).await?;
            if rules.depth_max.is_some() && due_at.is_some() {
                entry.note_put_off(&new.workflow, there.key()).await?;
            }
            return Ok(Admission::Replaced { run: there.id });
        }
        new.not_before = due_at;
    }
    if let Some(limit) = rules.depth_max {
        if let Some(there) = entry.started(&new).await? {
            return Ok(Admission::Started(there));
        }
        let depth = entry.depth(&new.workflow, counted_to(limit)).await?;
        if depth >= limit {
            return Ok(Admission::Full { depth, limit });
        }
    }
    let started = entry.create(&new).await?;
    let is_put_off = !new.delay.is_zero() || new.not_before.is_some();
    if started == Started::Created && rules.depth_max.is_some() && is_put_off {
        entry.note_put_off(&new.workflow, new.id.key()).await?;
    }
    Ok(Admission::Started(started))
}

/// Whether a start has written something that is to stay.
pub(super) fn is_written(admission: &Admission) -> bool {
    matches!(
        admission,
        Admission::Started(Started::Created) | Admission::Replaced { .. }
    )
}

/// Refuses what no store takes.
pub(super) fn check(new: &NewRun) -> StoreResult<()> {
    size::check_start(new)
}

/// Runs that were not counted when they started can make more than the limit; there is no need to count a million of
/// them.
fn counted_to(limit: u32) -> u32 {
    limit.saturating_add(1_000)
}
