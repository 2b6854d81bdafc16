//! Schedules: what starts when, and what has become of it.

#[cfg(feature = "schedules")]
mod calendar;
#[cfg(feature = "schedules")]
mod expression;
#[cfg(feature = "schedules")]
mod missed;
#[cfg(feature = "schedules")]
mod rules;
#[cfg(feature = "schedules")]
mod zone;

#[cfg(feature = "schedules")]
pub(crate) use calendar::Calendar;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ids::{Invalid, check_name};
use super::{Header, Json, Labels, NewRun, RunId, Timestamp};

/// Checks the name of a schedule: 1 to 100 bytes, no control characters.
pub fn schedule_name(value: &str) -> Result<(), Invalid> {
    check_name("schedule name", value)
}

/// What a schedule starts, when, and what holds it back. Equal definitions are the same schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleDefinition {
    /// Its times.
    pub timing: Timing,
    /// No firing before.
    pub starting: Option<Timestamp>,
    /// No firing from then on.
    pub until: Option<Timestamp>,
    /// By how much a firing may be put off, so that not all schedules fire at once. In microseconds.
    pub jitter_us: u64,
    /// What to do when the last run has not ended.
    pub overlap: Overlap,
    /// What to do about firings that nobody was there for.
    pub catch_up: CatchUp,
    /// The runs it starts.
    pub runs: RunTemplate,
}

/// Times that follow from a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// By the calendar.
    Cron {
        /// Five fields, or six with seconds first, or a word as `@daily`.
        expression: String,
        /// Name of the time zone whose clock it is about.
        time_zone: String,
    },
    /// At each multiple of an interval.
    Every {
        /// Its length in whole seconds.
        seconds: u64,
    },
}

/// A run before it has an id and a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTemplate {
    /// Its workflow.
    pub workflow: String,
    /// The version of its workflow.
    pub version: u32,
    /// Its pool.
    pub pool: String,
    /// Labels that its worker must have.
    pub labels: Labels,
    /// A level is worth a minute of age; the oldest are claimed first.
    pub priority: i16,
    /// The key under which its workflow's limits per key count it.
    #[serde(default)]
    pub concurrency_key: Option<String>,
    /// Its arguments.
    pub input: Json,
    /// The shape of the code that it was scheduled with.
    pub fingerprint: i64,
    /// How long each run stays out of the queue. In microseconds.
    pub delay_us: u64,
    /// Who started it, where the call says so, and how long it may take.
    #[serde(default)]
    pub header: Header,
}

impl RunTemplate {
    /// The run under an id, started in the name of `by` where the call named nobody.
    pub fn under(&self, id: RunId, by: &str) -> NewRun {
        let mut header = self.header.clone();
        header.started_by.get_or_insert_with(|| by.to_owned());
        NewRun {
            id,
            workflow: self.workflow.clone(),
            version: self.version,
            pool: self.pool.clone(),
            labels: self.labels.clone(),
            priority: self.priority,
            concurrency_key: self.concurrency_key.clone(),
            input: self.input.clone(),
            fingerprint: self.fingerprint,
            delay: Duration::from_micros(self.delay_us),
            assigned: None,
            not_before: None,
            header,
        }
    }
}

/// What a schedule does when it is due and its last run has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overlap {
    /// Leaves this firing out. The default.
    #[default]
    Skip,
    /// Keeps the firing and starts it when the last run has ended; up to a hundred wait, in order.
    Queue,
    /// Cancels the last run, then starts it.
    CancelOld,
    /// Starts it beside the others.
    Allow,
}

/// What a schedule does about firings that are late by more than a minute: no worker ran, or none reached the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CatchUp {
    /// Leaves them out.
    Skip,
    /// Makes up for the last one only. The default.
    #[default]
    Latest,
    /// Makes up for all of them, but for no more than so many, the last ones.
    All {
        /// The most that are made up for; 1 to 1,000.
        max: u32,
    },
}

/// A schedule as a store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduleRecord {
    /// Its name.
    pub name: String,
    /// Goes up with each change. Begins at the time of creation, so that a schedule which was deleted and made anew
    /// never has a revision again.
    pub revision: i64,
    /// When a worker has to look at it; none while it is paused or has no firing left.
    pub due_at: Option<Timestamp>,
    /// What it does.
    pub definition: ScheduleDefinition,
    /// What has become of it.
    pub progress: ScheduleProgress,
}

impl ScheduleRecord {
    /// A record as it was read from a store.
    pub fn from_store(
        name: String,
        revision: i64,
        due_at: Option<Timestamp>,
        definition: ScheduleDefinition,
        progress: ScheduleProgress,
    ) -> ScheduleRecord {
        ScheduleRecord {
            name,
            revision,
            due_at,
            definition,
            progress,
        }
    }

    /// The run of a firing.
    ///
    /// # Errors
    /// None for a name that was checked.
    pub fn run(&self, firing: Timestamp) -> Result<NewRun, Invalid> {
        let by = format!("schedule {}", self.name);
        Ok(self.definition.runs.under(self.run_id(firing)?, &by))
    }

    /// The id of the run of a firing: it follows from both, so that however many start it, there is one run.
    ///
    /// # Errors
    /// None for a name that was checked.
    pub fn run_id(&self, firing: Timestamp) -> Result<RunId, Invalid> {
        RunId::new(format!("{}@{}", self.name, to_the_second(firing)))
    }
}

/// Schedules whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueSchedules {
    /// When they were looked for, on the store's clock.
    pub at: Timestamp,
    /// Those that were found.
    pub schedules: Vec<ScheduleRecord>,
}

/// What has become of a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ScheduleProgress {
    /// The next firing, before jitter; none when there is none left. It stands still while the schedule is paused.
    pub next_at: Option<Timestamp>,
    /// The last firing that started a run.
    pub last: Option<Fired>,
    /// How many firings have started a run.
    pub fired: u64,
    /// How many were left out.
    pub skipped: u64,
    /// The last that was left out, and why.
    pub last_skip: Option<Skip>,
    /// Who has paused it, since when.
    pub paused: Option<Mark>,
    /// Who has made it go on last, and when.
    pub resumed: Option<Mark>,
    /// Who has started a run beside the firings last, and when.
    pub ran_now: Option<Mark>,
    /// Firings that were decided about, whose runs may not be there yet.
    pub starting: Vec<Timestamp>,
    /// Runs that are cancelled before.
    pub cancelling: Vec<RunId>,
    /// Firings that wait until the last run has ended.
    pub waiting: Vec<Timestamp>,
    /// Its runs that were not known to have ended at the last look.
    pub open: Vec<RunId>,
}

/// A firing that started a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The time it was for.
    pub firing: Timestamp,
    /// Its run.
    pub run: RunId,
}

/// A firing that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The time it was for.
    pub firing: Timestamp,
    /// Why.
    pub because: SkipReason,
}

/// Why a firing was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// A run had not ended.
    Overlap {
        /// Which.
        run: RunId,
    },
    /// A later firing came up with it, which is the one that counts.
    Superseded,
    /// It was late by more than a minute, and is not to be made up for.
    Missed,
    /// A hundred others waited already.
    QueueFull,
    /// It waited for a run to end when the schedule was paused.
    Paused {
        /// By whom.
        by: String,
    },
    /// It waited for a run to end when the times of the schedule were changed.
    Replaced,
    /// A run of its id is there already, for another workflow or other arguments.
    IdTaken {
        /// The id.
        run: RunId,
    },
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::Overlap { run } => write!(f, "run `{run}` had not ended"),
            SkipReason::Superseded => f.write_str("a later firing came up with it"),
            SkipReason::Missed => f.write_str("it was late by more than a minute"),
            SkipReason::QueueFull => f.write_str("as many firings as may wait were waiting"),
            SkipReason::Paused { by } => write!(f, "{by} paused the schedule while it waited"),
            SkipReason::Replaced => f.write_str("the times were changed while it waited"),
            SkipReason::IdTaken { run } => {
                write!(
                    f,
                    "run `{run}` is there already, started for something else"
                )
            }
        }
    }
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// RFC 3339 in UTC without a fraction; firings have none.
fn to_the_second(time: Timestamp) -> String {
    let shown = time.to_string();
    let whole = shown.split('.').next().unwrap_or_default();
    format!("{whole}Z")
}
