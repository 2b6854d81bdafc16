//! The times of a schedule: which comes next, which was the last.

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Zoned;
use jiff::tz::TimeZone;

use super::{Invalid, ScheduleDefinition, Timestamp, Timing, zone};

/// Microseconds in a second.
pub(super) const SECOND: i64 = 1_000_000;
/// Up to so many times of day, an expression that lists them is taken apart into them.
const LISTED_MAX: usize = 100;

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
                times: parse(expression)?,
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
            starting: *&starting,
            until: *&until,
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

/// None for times that no calendar reaches.
fn zoned(time: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    let instant = jiff::Timestamp::from_microsecond(time.as_micros()).ok()?;
    Some(instant.to_zoned(zone.clone()))
}

fn instant(time: &Zoned) -> Timestamp {
    Timestamp::from_micros(time.timestamp().as_microsecond())
}

/// Reads an expression.
fn parse(expression: &str) -> Result<Vec<Cron>, Invalid> {
    let bad = |reason: String| Invalid::new("cron expression", expression, reason);
    let trimmed = expression.trim();
    if let Some(word) = trimmed.strip_prefix('@') {
        let known = NICKNAMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word));
        if !known {
            let known = NICKNAMES.map(|word| format!("`@{word}`")).join(", ");
            return Err(bad(format!("`{trimmed}` is not known; there are {known}")));
        }
        return Ok(vec![read(trimmed).map_err(|e| bad(plain(&e)))?]);
    }
    let fields: Vec<&str> = trimmed.split_whitespace().collect();
    let names = match fields.len() {
        5 => &FIELDS[1..],
        6 => &FIELDS[..],
        n => {
            return Err(bad(format!(
                "it has {n} fields, and there are five (minute, hour, day of month, month, day of week), or six with \
                 seconds first"
            )));
        }
    };
    if let Err(error) = read(trimmed) {
        // Which field it is shows when the others are let through.
        for (wrong, name) in names.iter().enumerate() {
            let alone: Vec<&str> = (0..fields.len())
                .map(|n| if n == wrong { fields[n] } else { "*" })
                .collect();
            if let Err(error) = read(&alone.join(" ")) {
                return Err(bad(format!(
                    "the {name} is `{}`: {}",
                    fields[wrong],
                    plain(&error)
                )));
            }
        }
        return Err(bad(plain(&error)));
    }
    let listed = times_of_day(&fields);
    let times = listed
        .iter()
        .map(|one| read(one).map_err(|e| bad(plain(&e))));
    times.collect()
}

const FIELDS: [&str; 6] = [
    "second",
    "minute",
    "hour",
    "day of month",
    "month",
    "day of week",
];
const NICKNAMES: [&str; 6] = ["yearly", "annually", "monthly", "weekly", "daily", "hourly"];

/// One expression for each time of day, where they are listed one by one: `30 1,13 * * *` says when a day has its
/// firings, and has as many on the day on which the clock shows 1:30 twice. Ranges, steps and stars are intervals.
fn times_of_day(fields: &[&str]) -> Vec<String> {
    let (clock, date) = fields.split_at(fields.len() - 3);
    let one_by_one = |field: &&str| field.chars().all(|c| c.is_ascii_digit() || c == ',');
    let count: usize = clock.iter().map(|field| field.split(',').count()).product();
    if !clock.iter().all(one_by_one) || count > LISTED_MAX {
        return vec![fields.join(" ")];
    }
    let mut listed = vec![String::new()];
    for field in clock {
        let longer = |begun: &String| {
            field
                .split(',')
                .map(|value| format!("{begun}{value} "))
                .collect::<Vec<_>>()
        };
        listed = listed.iter().flat_map(longer).collect();
    }
    let date = date.join(" ");
    listed.into_iter().map(|clock| clock + &date).collect()
}

fn read(expression: &str) -> Result<Cron, CronError> {
    let parser = CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Disallowed);
    parser.build().parse(expression)
}

/// What the parser says, in our words where there are some.
fn plain(error: &CronError) -> String {
    match error {
        CronError::EmptyPattern => "it is empty".to_owned(),
        CronError::IllegalCharacters(_) => {
            "it holds a character that has no meaning there; use numbers, names as `MON` or `JAN`, and `*` `,` `-` `/`"
                .to_owned()
        }
        CronError::ComponentError(text) | CronError::InvalidPattern(text) => {
            let text = text.trim_end_matches('.');
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
        }
        other => other.to_string(),
    }
}

fn bad_cron(timing: &Timing, reason: &str) -> Invalid {
    match timing {
        Timing::Cron { expression, .. } => Invalid::new("cron expression", expression, reason),
        Timing::Every { seconds } => Invalid::new("interval", &format!("{seconds} s"), reason),
    }
}
