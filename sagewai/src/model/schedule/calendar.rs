//! The times of a schedule: which comes next, which was the last.

use croner::Cron;
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::{Invalid, ScheduleDefinition, Timestamp, Timing, expression, zone};

/// Microseconds in a second.
pub(super) const SECOND: i64 = 1_000_000;

/// The times of a schedule, ready to be asked.
#[derive(Debug)]
pub(crate) struct Calendar {
    rule: Rule,
    starting: Option<Timestamp>,
    until: Option<Timestamp>,
}

#[derive(Debug)]
enum Rule {
    /// One for each time of day that the expression lists; the nearest of theirs counts.
    Cron {
        times: Vec<Cron>,
        zone: TimeZone,
    },
    Every {
        length: i64,
        anchor: i64,
    },
}

impl Calendar {
    /// Reads what was written.
    ///
    /// # Errors
    /// [`Invalid`], with what is wrong where.
    pub(crate) fn of(definition: &ScheduleDefinition) -> Result<Calendar, Invalid> {
        let ScheduleDefinition {
            timing,
            starting,
            until,
            ..
        } = definition;
        Calendar::new(timing, *starting, *until)
    }

    /// The same, of a definition's parts.
    pub(crate) fn new(
        timing: &Timing,
        starting: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Calendar, Invalid> {
        let rule = match timing {
            Timing::Cron {
                expression,
                time_zone,
            } => Rule::Cron {
                times: expression::parse(expression)?,
                zone: zone::find(time_zone)?,
            },
            Timing::Every { seconds } => {
                let length = i64::try_from(*seconds)
                    .unwrap_or(i64::MAX)
                    .saturating_mul(SECOND);
                if length == 0 {
                    let reason = "it is zero, so the schedule would fire without end";
                    return Err(Invalid::new("interval", "0 s", reason));
                }
                // Without a beginning of its own it counts from 1970: an interval of an hour fires on the hour.
                let anchor = starting.map_or(0, Timestamp::as_micros);
                Rule::Every { length, anchor }
            }
        };
        let calendar = Calendar {
            rule,
            starting,
            until,
        };
        if calendar.rule.next(Timestamp::from_micros(0)).is_none() {
            return Err(bad_cron(
                timing,
                "there is no such date, so it would never fire",
            ));
        }
        Ok(calendar)
    }

    /// The first firing after a time.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let before_start = self.starting.map(just_before);
        let next = self
            .rule
            .next(before_start.map_or(after, |start| start.max(after)))?;
        Some(next).filter(|next| self.until.is_none_or(|until| *next < until))
    }

    /// The last firing at or before a time.
    pub(crate) fn last(&self, at: Timestamp) -> Option<Timestamp> {
        let before_end = self.until.map(just_before);
        let last = self.rule.last(before_end.map_or(at, |end| end.min(at)))?;
        Some(last).filter(|last| self.starting.is_none_or(|starting| *last >= starting))
    }
}

impl Rule {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Rule::Cron { times, zone } => {
                let after = zoned(after, zone)?;
                let next = times
                    .iter()
                    .filter_map(|cron| cron.find_next_occurrence(&after, false).ok());
                next.map(|next| instant(&next)).min()
            }
            Rule::Every { length, anchor } => {
                let passed = (after.as_micros() - anchor).div_euclid(*length);
                let next = passed
                    .checked_add(1)?
                    .checked_mul(*length)?
                    .checked_add(*anchor)?;
                Some(Timestamp::from_micros(next))
            }
        }
    }

    fn last(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Rule::Cron { times, zone } => {
                let at = zoned(at, zone)?;
                let last = times
                    .iter()
                    .filter_map(|cron| cron.find_previous_occurrence(&at, true).ok());
                last.map(|last| instant(&last)).max()
            }
            Rule::Every { length, anchor } => {
                let passed = (at.as_micros() - anchor).div_euclid(*length);
                Some(Timestamp::from_micros(
                    passed.checked_mul(*length)?.checked_add(*anchor)?,
                ))
            }
        }
    }
}

fn just_before(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros().saturating_sub(1))
}

/// The second in which a time lies: firings are at whole seconds, and near one that a clock shows twice the search goes
/// astray if it begins between two. None for times that no calendar reaches.
fn zoned(time: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    let second = time.as_micros().div_euclid(SECOND);
    let instant = jiff::Timestamp::from_second(second).ok()?;
    Some(instant.to_zoned(zone.clone()))
}

fn instant(time: &Zoned) -> Timestamp {
    Timestamp::from_micros(time.timestamp().as_microsecond())
}

fn bad_cron(timing: &Timing, reason: &str) -> Invalid {
    match timing {
        Timing::Cron { expression, .. } => Invalid::new("cron expression", expression, reason),
        Timing::Every { seconds } => Invalid::new("interval", &format!("{seconds} s"), reason),
    }
}

#[cfg(test)]
mod tests;
