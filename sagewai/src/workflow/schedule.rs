//! A schedule as authors write it.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::spec::Workflow;
use super::workflow_call::WorkflowCall;
use crate::error::Error;
use crate::model::{
    Calendar, CatchUp, Invalid, Overlap, RunTemplate, ScheduleDefinition, Timestamp, Timing,
    schedule_name,
};

/// The most firings that [`Schedule::upcoming`] tells.
const UPCOMING_MAX: usize = 10_000;
/// The most firings that [`CatchUp::All`] makes up for.
const CATCH_UP_MAX: u32 = 1_000;

/// Starts runs of a workflow by the calendar or at an interval. Put it into a store with
/// `client.schedules().put(..)`, or have a worker do so when it starts (`.schedule(..)`).
///
/// ```
/// use std::time::Duration;
///
/// use sagewai::prelude::*;
/// use sagewai::{CatchUp, Overlap, Schedule};
///
/// #[workflow]
/// async fn report(region: String) -> Result<String> {
///     Ok(region)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let store = sagewai::store::open("memory:").await?;
/// let schedule = Schedule::cron("nightly-report", "0 2 * * *")
///     .time_zone("Europe/Berlin")
///     .overlap(Overlap::Skip)
///     .catch_up(CatchUp::Latest)
///     .jitter(Duration::from_secs(60))
///     .runs(report("eu".into()));
/// let put = Client::new(&store).schedules().put(schedule).await?;
/// assert!(put.progress.next_at.is_some());
/// # Ok(()) }
/// ```
#[must_use = "a schedule does nothing until it is put into a store"]
#[derive(Clone)]
pub struct Schedule {
    name: String,
    timing: Timing,
    starting: Option<Timestamp>,
    until: Option<Timestamp>,
    jitter: Duration,
    overlap: Overlap,
    catch_up: CatchUp,
    runs: Option<RunTemplate>,
    /// What cannot be used, in the order in which it was said.
    wrong: Vec<Invalid>,
}

impl Schedule {
    /// Fires by the calendar: five fields (minute, hour, day of month, month, day of week), six with seconds first, or
    /// one of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. Where both the day of month and the day of week
    /// are given, either will do; `+` before the day of week asks for both.
    ///
    /// What is wrong with it is said when it is put into a store, or asked for its times.
    pub fn cron(name: impl Into<String>, expression: impl Into<String>) -> Schedule {
        let timing = Timing::Cron {
            expression: expression.into(),
            time_zone: "UTC".to_owned(),
        };
        Schedule::new(name.into(), timing)
    }

    /// Fires at each multiple of an interval of whole seconds, counted from 1970 in UTC, or from
    /// [`starting`](Schedule::starting): `every("sync", 1 h)` fires on the hour. It does not drift.
    pub fn every(name: impl Into<String>, interval: Duration) -> Schedule {
        let timing = Timing::Every {
            seconds: interval.as_secs(),
        };
        let mut schedule = Schedule::new(name.into(), timing);
        let shown = format!("{interval:?}");
        if interval < Duration::from_secs(1) {
            schedule.wrong("interval", &shown, "it must be a second or longer");
        } else if interval.subsec_nanos() > 0 {
            schedule.wrong("interval", &shown, "it must be of whole seconds");
        }
        schedule
    }

    fn new(name: String, timing: Timing) -> Schedule {
        Schedule {
            name,
            timing,
            starting: None,
            until: None,
            jitter: Duration::ZERO,
            overlap: Overlap::default(),
            catch_up: CatchUp::default(),
            runs: None,
            wrong: Vec::new(),
        }
    }

    /// The time zone whose clock the expression is about, as `Europe/Berlin`; UTC by default.
    pub fn time_zone(mut self, name: impl Into<String>) -> Schedule {
        let name = name.into();
        match &mut self.timing {
            Timing::Cron { time_zone, .. } => *time_zone = name,
            Timing::Every { .. } => self.wrong(
                "time zone",
                &name,
                "an interval is the same in every zone; leave the zone out, or use `Schedule::cron`",
            ),
        }
        self
    }

    /// What to do when it is due and its last run has not ended; [`Overlap::Skip`] by default.
    pub fn overlap(mut self, overlap: Overlap) -> Schedule {
        self.overlap = overlap;
        self
    }

    /// What to do about firings that nobody was there for; [`CatchUp::Latest`] by default.
    pub fn catch_up(mut self, catch_up: CatchUp) -> Schedule {
        if let CatchUp::All { max } = catch_up
            && !(1..=CATCH_UP_MAX).contains(&max)
        {
            let reason = format!("it must be 1 to {CATCH_UP_MAX}");
            self.wrong("most firings to make up for", &max.to_string(), &reason);
        }
        self.catch_up = catch_up;
        self
    }

    /// Puts each firing off by up to this much, so that not all schedules fire at once; by the same time on every
    /// worker, and never past the next firing. Nothing by default.
    pub fn jitter(mut self, most: Duration) -> Schedule {
        self.jitter = most;
        self
    }

    /// No firing before this time, which is cut to the second; an interval is counted from it.
    pub fn starting(mut self, time: SystemTime) -> Schedule {
        self.starting = Some(to_the_second(time));
        self
    }

    /// No firing from this time on, which is cut to the second.
    pub fn until(mut self, time: SystemTime) -> Schedule {
        self.until = Some(to_the_second(time));
        self
    }

    /// What each firing starts: the call, with its pool, labels, priority and delay. The run's id follows from the
    /// schedule's name and the firing, as in `nightly-report@2026-11-25T01:00:00Z`.
    pub fn runs<W: Workflow>(mut self, call: WorkflowCall<W>) -> Schedule {
        match call.template() {
            Ok(template) => self.runs = Some(template),
            Err(Error::Invalid(invalid)) => self.wrong.push(invalid),
            Err(other) => self.wrong("call", W::SPEC.name, &other.to_string()),
        }
        self
    }

    /// Its next `n` firings after a time (at most 10,000), before jitter: to see what an expression means, without a
    /// store.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an expression, a zone or an interval that cannot be used.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use sagewai::Schedule;
    ///
    /// let epoch = SystemTime::UNIX_EPOCH; // a Thursday, 1 a.m. in Berlin
    /// let mondays = Schedule::cron("week", "30 9 * * MON").time_zone("Europe/Berlin");
    /// let first = mondays.upcoming(1, epoch)?[0];
    /// assert_eq!(first.duration_since(epoch)?, Duration::from_secs((4 * 24 + 8) * 3600 + 30 * 60));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upcoming(&self, n: usize, after: SystemTime) -> Result<Vec<SystemTime>, Error> {
        let calendar = self.calendar()?;
        let first = calendar.next(Timestamp::from_system(after));
        let firings = std::iter::successors(first, |last| calendar.next(*last));
        let firings = firings.take(n.min(UPCOMING_MAX));
        Ok(firings.map(Timestamp::to_system).collect())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The workflow whose runs it starts, and its version.
    pub(crate) fn workflow(&self) -> Option<(&str, u32)> {
        let runs = self.runs.as_ref()?;
        Some((&runs.workflow, runs.version))
    }

    /// Name and definition, checked.
    pub(crate) fn checked(self) -> Result<(String, ScheduleDefinition), Error> {
        self.calendar()?;
        let Some(runs) = self.runs else {
            let reason = "it starts nothing; say what with `.runs(my_workflow(..))`";
            return Err(Invalid::new("schedule", &self.name, reason).into());
        };
        let jitter_us = u64::try_from(self.jitter.as_micros()).unwrap_or(u64::MAX);
        let definition = ScheduleDefinition {
            timing: self.timing,
            starting: self.starting,
            until: self.until,
            jitter_us,
            overlap: self.overlap,
            catch_up: self.catch_up,
            runs,
        };
        Ok((self.name, definition))
    }

    fn calendar(&self) -> Result<Calendar, Error> {
        schedule_name(&self.name)?;
        if let Some(first) = self.wrong.first() {
            return Err(first.clone().into());
        }
        if let (Some(starting), Some(until)) = (self.starting, self.until)
            && starting >= until
        {
            let reason = format!("it ends at {until}, and begins at {starting}");
            return Err(Invalid::new("schedule", &self.name, reason).into());
        }
        Ok(Calendar::new(&self.timing, self.starting, self.until)?)
    }

    fn wrong(&mut self, what: &'static str, value: &str, reason: &str) {
        self.wrong.push(Invalid::new(what, value, reason));
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the arguments of the runs.
        f.debug_struct("Schedule")
            .field("name", &self.name)
            .field("timing", &self.timing)
            .field("workflow", &self.workflow())
            .finish_non_exhaustive()
    }
}

fn to_the_second(time: SystemTime) -> Timestamp {
    let micros = Timestamp::from_system(time).as_micros();
    Timestamp::from_micros(micros - micros.rem_euclid(1_000_000))
}
