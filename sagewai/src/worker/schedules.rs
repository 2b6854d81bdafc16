//! Fires schedules: any worker does, whether or not it serves their workflows, and together they start one run a
//! firing.
//!
//! What to start is decided first, by writing the schedule's next record over the one that was read: of several
//! workers one succeeds. Then the runs are started, by ids that follow from the firings, and then the record says that
//! they are. Whoever finds a decision whose runs are not said to be there, since a worker died between, starts them
//! (again): a run that is there already is attached to.

use std::time::Duration;

use futures_util::future::join_all;

use crate::error::Error;
use crate::model::{Act, Invalid, RunId, ScheduleRecord, Started, Tick, Timestamp};
use crate::store::{AnyStore, StoreError};
use crate::workflow::{Registry, Schedule};

/// How many schedules one look takes.
const FIRED_MAX: u32 = 100;
/// When the clock is looked at again after schedules were due.
const AGAIN: Duration = Duration::from_millis(100);
/// When it is, where something did not work.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);
/// How often a change is tried that others get in the way of.
const TRIES_MAX: u32 = 100;

/// Fires what is due, and tells when the clock must be looked at again for the sake of schedules.
pub(super) async fn attend(store: &AnyStore, tick: &Tick) -> Option<Duration> {
    let due = tick.schedule_due?;
    if !due.is_zero() {
        return Some(due);
    }
    Some(match fire_due(store).await {
        Ok(Trouble::None) => AGAIN,
        Ok(Trouble::Some) => AFTER_TROUBLE,
        Err(error) => {
            tracing::warn!(%error, "schedules not looked at yet");
            AFTER_TROUBLE
        }
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    None,
    Some,
}

/// One look: every schedule that is due, each for itself.
async fn fire_due(store: &AnyStore) -> Result<Trouble, StoreError> {
    let due = store.due_schedules(FIRED_MAX).await?;
    let mut trouble = Trouble::None;
    for record in due.schedules {
        let name = record.name.clone();
        let unfit = match fire(store, record.clone(), due.at).await {
            Ok(()) => continue,
            Err(error @ Error::Invalid(_)) => {
                // Put off, so that it is not in the way of others; a worker that knows its zone may come.
                store
                    .save_schedule(&record.put_off(due.at), Some(record.revision))
                    .await?;
                error
            }
            Err(error) => error,
        };
        tracing::warn!(schedule = %name, error = %unfit, "schedule not fired yet");
        trouble = Trouble::Some;
    }
    Ok(trouble)
}

/// Does for one schedule what is to be done now. Leaves it where another worker is faster.
async fn fire(store: &AnyStore, mut record: ScheduleRecord, now: Timestamp) -> Result<(), Error> {
    if !record.progress.starting.is_empty() {
        match start(store, &record, now).await? {
            Some(settled) => record = settled,
            None => return Ok(()),
        }
    }
    if record.due_at.is_none_or(|due| due > now) {
        return Ok(());
    }
    let open = still_open(store, &record.progress.open).await?;
    let planned = record.planned(open, now)?;
    if !store.save_schedule(&planned, Some(record.revision)).await? {
        return Ok(());
    }
    let left_out = planned.progress.skipped - record.progress.skipped;
    if left_out > 0 {
        let because = planned
            .progress
            .last_skip
            .as_ref()
            .map(|skip| skip.because.to_string());
        tracing::info!(schedule = %planned.name, left_out, because, "firings left out");
    }
    if !planned.progress.starting.is_empty() {
        start(store, &planned, now).await?;
    }
    Ok(())
}

/// Starts what was decided, and says so. None where somebody else has changed the schedule meanwhile.
async fn start(
    store: &AnyStore,
    record: &ScheduleRecord,
    now: Timestamp,
) -> Result<Option<ScheduleRecord>, Error> {
    for run in &record.progress.cancelling {
        // One that is over by now needs nothing.
        store.act(run, &cancel(record)).await?;
    }
    let starts = record.progress.starting.iter().map(|firing| async {
        let run = record.run(*firing)?;
        let id = run.id.clone();
        let started = store.start(run).await?;
        tracing::debug!(schedule = %record.name, run = %id, ?started, "fired");
        Ok::<_, Error>(matches!(started, Started::Conflict { .. }).then_some(*firing))
    });
    let started: Result<Vec<Option<Timestamp>>, Error> =
        join_all(starts).await.into_iter().collect();
    let taken: Vec<Timestamp> = started?.into_iter().flatten().collect();
    let settled = record.settled(&taken, now)?;
    let saved = store.save_schedule(&settled, Some(record.revision)).await?;
    Ok(saved.then_some(settled))
}

/// What ends a run that a new one replaces.
fn cancel(record: &ScheduleRecord) -> Act {
    Act::Cancel {
        by: format!("schedule {}", record.name),
        reason: "its next firing came up".to_owned(),
    }
}

/// Those of a schedule's runs that have not ended.
async fn still_open(store: &AnyStore, runs: &[RunId]) -> Result<Vec<RunId>, StoreError> {
    let mut open = Vec::new();
    for id in runs {
        if store
            .run(id)
            .await?
            .is_some_and(|run| !run.state.is_finished())
        {
            open.push(id.clone());
        }
    }
    Ok(open)
}

/// Puts a schedule into a store. Where it is there with the same definition, nothing changes.
pub(crate) async fn put(store: &AnyStore, schedule: Schedule) -> Result<ScheduleRecord, Error> {
    let (name, definition) = schedule.checked()?;
    let mut tries = 0;
    loop {
        let found = store.schedule(&name).await?;
        let now = store.now().await?;
        let next = match &found {
            Some(found) if found.definition == definition => return Ok(found.clone()),
            Some(found) => found.redefined(definition.clone(), now)?,
            None => ScheduleRecord::begin(&name, definition.clone(), now)?,
        };
        if store
            .save_schedule(&next, found.map(|found| found.revision))
            .await?
        {
            tracing::info!(schedule = %name, next_at = ?next.progress.next_at, "schedule put");
            return Ok(next);
        }
        tries = again(&name, tries)?;
    }
}

/// Refuses schedules that nobody here could serve: a worker that brings one is meant to run it.
pub(super) fn check_served(schedules: &[Schedule], registry: &Registry) -> Result<(), Error> {
    for schedule in schedules {
        if let Some((workflow, version)) = schedule.workflow()
            && registry.get(workflow, version).is_none()
        {
            let name = schedule.name();
            return Err(Error::Worker {
                reason: format!(
                    "schedule `{name}` runs workflow `{workflow}`, which it does not serve; add it with `.workflow({workflow})`"
                ),
            });
        }
    }
    Ok(())
}

/// Puts those that a worker brings along.
pub(super) async fn put_all(store: &AnyStore, schedules: Vec<Schedule>) -> Result<(), Error> {
    for schedule in schedules {
        put(store, schedule).await?;
    }
    Ok(())
}

/// Changes a schedule that is there. None where there is none.
pub(crate) async fn change(
    store: &AnyStore,
    name: &str,
    changed: impl Fn(&ScheduleRecord, Timestamp) -> Result<ScheduleRecord, Invalid>,
) -> Result<Option<ScheduleRecord>, Error> {
    let mut tries = 0;
    loop {
        let Some(found) = store.schedule(name).await? else {
            return Ok(None);
        };
        let next = changed(&found, store.now().await?)?;
        if store.save_schedule(&next, Some(found.revision)).await? {
            return Ok(Some(next));
        }
        tries = again(name, tries)?;
    }
}

/// Counts a try; an error where there were too many.
fn again(name: &str, tries: u32) -> Result<u32, Error> {
    if tries < TRIES_MAX {
        return Ok(tries + 1);
    }
    let reason = "others change it without end; try again";
    Err(Invalid::new("schedule", name, reason).into())
}
