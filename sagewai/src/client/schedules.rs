//! Schedules, from outside.

use std::time::SystemTime;

use futures_util::future::join_all;

use super::Client;
use crate::error::Error;
use crate::model::{Invalid, RunId, ScheduleRecord, Started, Timestamp, person};
use crate::worker::{change_schedule, put_schedule};
use crate::workflow::Schedule;

/// The most firings that one backfill starts.
const BACKFILL_MAX: usize = 1_000;
/// The most firings that [`Schedules::upcoming`] tells.
const UPCOMING_MAX: usize = 10_000;
/// How many starts of a backfill are on their way at once.
const AT_ONCE: usize = 100;

/// The schedules of a store; from [`Client::schedules`].
#[derive(Debug, Clone)]
pub struct Schedules {
    client: Client,
}

/// What a backfill has started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backfill {
    /// Runs that it has created, in the order of their firings.
    pub started: Vec<RunId>,
    /// Runs that were there before, as their firings had their turn.
    pub there: Vec<RunId>,
}

impl Client {
    /// The schedules of this store.
    pub fn schedules(&self) -> Schedules {
        Schedules {
            client: self.clone(),
        }
    }
}

impl Schedules {
    /// Creates a schedule, or replaces the one of its name. The same definition again changes nothing. Where only other
    /// things than its times change, firings that have come up are still acted upon. A schedule that is paused stays
    /// so.
    ///
    /// Any worker on the store fires it, within its poll interval.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what cannot be used of the definition, [`Error::Store`].
    pub async fn put(&self, schedule: Schedule) -> Result<ScheduleRecord, Error> {
        put_schedule(&self.client.store, schedule).await
    }

    /// All of them, by name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list(&self) -> Result<Vec<ScheduleRecord>, Error> {
        Ok(self.client.store.schedules().await?)
    }

    /// One of them; none where there is none of this name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn get(&self, name: &str) -> Result<Option<ScheduleRecord>, Error> {
        Ok(self.client.store.schedule(name).await?)
    }

    /// Lets nothing more start until it is resumed, in the name of `by`. Runs that it has started go on; firings that
    /// waited for a run to end are left out. Paused already, it stays as it is.
    ///
    /// # Errors
    /// [`Error::NoSchedule`], [`Error::Store`].
    pub async fn pause(&self, name: &str, by: &str) -> Result<ScheduleRecord, Error> {
        person(by)?;
        self.change(name, |record, now| record.paused(by, now))
            .await
    }

    /// Lets it go on with its next firing. What would have fired meanwhile is not made up for; [`backfill`] does.
    ///
    /// # Errors
    /// [`Error::NoSchedule`], [`Error::Store`].
    ///
    /// [`backfill`]: Schedules::backfill
    pub async fn resume(&self, name: &str, by: &str) -> Result<ScheduleRecord, Error> {
        person(by)?;
        self.change(name, |record, now| record.resumed(by, now))
            .await
    }

    /// Starts a run at once, beside the firings, also where it is paused. It counts for the overlap of the next
    /// firing. Returns its id, as `nightly-report@2026-11-25T10:12:13.123456Z`; [`Client::handle`] gives the handle.
    ///
    /// # Errors
    /// [`Error::NoSchedule`], [`Error::Store`].
    pub async fn run_now(&self, name: &str, by: &str) -> Result<RunId, Error> {
        person(by)?;
        let id = |now: Timestamp| {
            let whole = now.to_string();
            let whole = whole.split('.').next().unwrap_or_default();
            let micros = now.as_micros().rem_euclid(1_000_000);
            RunId::new(format!("{name}@{whole}.{micros:06}Z"))
        };
        // Noted first: a firing that comes before the run is there must not miss it.
        let noted = self.change(name, |record, now| Ok(record.ran_now(id(now)?, by, now)));
        let noted = noted.await?;
        let at = noted
            .progress
            .ran_now
            .as_ref()
            .map_or(Timestamp::from_micros(0), |mark| mark.at);
        let run = id(at)?;
        self.client
            .store
            .start(noted.definition.runs.under(run.clone(), by))
            .await?;
        Ok(run)
    }

    /// Starts a run for each firing from `from` on and before `to`, as far as it has not had one: their ids are those
    /// of the firings. Firings to come are left to come. At most a thousand; they are started at once, whatever the
    /// schedule says of overlap.
    ///
    /// # Errors
    /// [`Error::NoSchedule`]; [`Error::Invalid`] with their number where there are more, or where `to` is not after
    /// `from`; [`Error::Store`].
    pub async fn backfill(
        &self,
        name: &str,
        from: SystemTime,
        to: SystemTime,
    ) -> Result<Backfill, Error> {
        let record = self.found(name).await?;
        let (from, to) = (Timestamp::from_system(from), Timestamp::from_system(to));
        let range = format!("{from} to {to}");
        let bad = |reason: String| Invalid::new("range to backfill", &range, reason);
        if from >= to {
            return Err(bad("it ends before it begins".to_owned()).into());
        }
        let now = self.client.store.now().await?;
        let firings = record.firings((from, to), BACKFILL_MAX, now)?;
        let firings = firings.map_err(|count| {
            bad(format!("it holds {count} firings, and one backfill starts {BACKFILL_MAX} at most; take a shorter one"))
        })?;
        let mut done = Backfill::default();
        for part in firings.chunks(AT_ONCE) {
            let starts = part.iter().map(|firing| async {
                let run = record.run(*firing)?;
                let id = run.id.clone();
                Ok::<_, Error>((id, self.client.store.start(run).await?))
            });
            for started in join_all(starts).await {
                match started? {
                    (id, Started::Created) => done.started.push(id),
                    (id, _) => done.there.push(id),
                }
            }
        }
        Ok(done)
    }

    /// Removes it; its runs stay. Returns whether it was there.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn delete(&self, name: &str) -> Result<bool, Error> {
        Ok(self.client.store.delete_schedule(name).await?)
    }

    /// Its next `n` firings (at most 10,000), before jitter; none while it is paused.
    ///
    /// # Errors
    /// [`Error::NoSchedule`], [`Error::Store`].
    pub async fn upcoming(&self, name: &str, n: usize) -> Result<Vec<SystemTime>, Error> {
        let record = self.found(name).await?;
        let firings = record.upcoming(n.min(UPCOMING_MAX))?;
        Ok(firings.into_iter().map(Timestamp::to_system).collect())
    }

    async fn change(
        &self,
        name: &str,
        changed: impl Fn(&ScheduleRecord, Timestamp) -> Result<ScheduleRecord, Invalid>,
    ) -> Result<ScheduleRecord, Error> {
        let found = change_schedule(&self.client.store, name, changed).await?;
        found.ok_or_else(|| no_schedule(name))
    }

    async fn found(&self, name: &str) -> Result<ScheduleRecord, Error> {
        let found = self.client.store.schedule(name).await?;
        found.ok_or_else(|| no_schedule(name))
    }
}

fn no_schedule(name: &str) -> Error {
    Error::NoSchedule {
        name: name.to_owned(),
    }
}
