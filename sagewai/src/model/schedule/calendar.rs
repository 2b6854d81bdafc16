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
    for (field, name) in fields.iter().zip(names) {
        if field.split(',').any(str::is_empty) {
            return Err(bad(format!(
                "the {name} is `{field}`: a value is missing at a comma"
            )));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(expression: &str, time_zone: &str) -> Result<Calendar, Invalid> {
        let timing = Timing::Cron {
            expression: expression.to_owned(),
            time_zone: time_zone.to_owned(),
        };
        Calendar::new(&timing, None, None)
    }

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_micros(instant.as_microsecond())
    }

    /// Firings in a range, by the clock on the wall; looked for forwards, and backwards as well.
    fn firings(expression: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
        let calendar = cron(expression, zone).unwrap();
        let (from, to) = (just_before(at(from)), at(to));
        let forwards = std::iter::successors(calendar.next(from), |last| calendar.next(*last));
        let forwards: Vec<Timestamp> = forwards.take_while(|firing| *firing < to).collect();
        let earlier = |time: &Timestamp| calendar.last(just_before(*time));
        let backwards = std::iter::successors(calendar.last(just_before(to)), earlier);
        let mut backwards: Vec<Timestamp> = backwards.take_while(|firing| *firing > from).collect();
        backwards.reverse();
        let zone = zone::find(zone).unwrap();
        let shown = |times: Vec<Timestamp>| -> Vec<String> {
            let times = times.into_iter().map(|time| zoned(time, &zone).unwrap());
            times
                .map(|time| time.strftime("%d %H:%M:%S%:z").to_string())
                .collect()
        };
        let (forwards, backwards) = (shown(forwards), shown(backwards));
        assert_eq!(forwards, backwards, "`{expression}` backwards");
        forwards
    }

    // In Berlin, clocks go from 2:00 to 3:00 on 29 March 2026, and from 3:00 back to 2:00 on 25 October.
    const SPRING: (&str, &str) = ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
    const AUTUMN: (&str, &str) = ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");

    #[test]
    fn time_of_day_that_is_left_out_in_spring_fires_when_the_clock_has_gone_on() {
        let berlin = |expression| firings(expression, "Europe/Berlin", SPRING.0, SPRING.1);
        assert_eq!(
            berlin("30 2 * * *"),
            ["29 03:00:00+02:00", "30 02:30:00+02:00"]
        );
        assert_eq!(
            berlin("0 2 * * *"),
            ["29 03:00:00+02:00", "30 02:00:00+02:00"]
        );
        assert_eq!(
            berlin("0 3 * * *"),
            ["29 03:00:00+02:00", "30 03:00:00+02:00"]
        );
        // Two times of day that are left out are one firing.
        assert_eq!(
            berlin("0,30 2 * * *"),
            [
                "29 03:00:00+02:00",
                "30 02:00:00+02:00",
                "30 02:30:00+02:00"
            ]
        );
    }

    #[test]
    fn time_of_day_that_comes_twice_in_autumn_fires_once() {
        let berlin = |expression| firings(expression, "Europe/Berlin", AUTUMN.0, AUTUMN.1);
        assert_eq!(
            berlin("30 2 * * *"),
            ["25 02:30:00+02:00", "26 02:30:00+01:00"]
        );
        assert_eq!(
            berlin("30 2,14 * * *"),
            [
                "24 14:30:00+02:00",
                "25 02:30:00+02:00",
                "25 14:30:00+01:00",
                "26 02:30:00+01:00"
            ]
        );
        let new_york = firings(
            "30 1 * * *",
            "America/New_York",
            "2026-11-01T00:00:00Z",
            "2026-11-02T12:00:00Z",
        );
        assert_eq!(new_york, ["01 01:30:00-04:00", "02 01:30:00-05:00"]);
    }

    #[test]
    fn interval_goes_on_through_both_changes() {
        let spring = firings(
            "*/30 * * * *",
            "Europe/Berlin",
            "2026-03-29T00:00:00Z",
            "2026-03-29T02:00:00Z",
        );
        assert_eq!(
            spring,
            [
                "29 01:00:00+01:00",
                "29 01:30:00+01:00",
                "29 03:00:00+02:00",
                "29 03:30:00+02:00"
            ]
        );
        let autumn = firings(
            "*/30 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            "2026-10-25T02:00:00Z",
        );
        assert_eq!(
            autumn,
            [
                "25 02:00:00+02:00",
                "25 02:30:00+02:00",
                "25 02:00:00+01:00",
                "25 02:30:00+01:00"
            ]
        );
        let hours = firings("@hourly", "Europe/Berlin", AUTUMN.0, AUTUMN.1);
        assert_eq!(hours.len(), 48);
        let hours = firings("0 * * * *", "Europe/Berlin", SPRING.0, SPRING.1);
        assert_eq!(hours.len(), 48);
    }

    #[test]
    fn searches_forwards_and_backwards_agree_around_every_change_of_the_clock() {
        // Changes of an hour and of half of one, at midnight and at other times, in both hemispheres.
        for (zone, around) in [
            ("Europe/Berlin", "2026-03-29"),
            ("Europe/Berlin", "2026-10-25"),
            ("America/New_York", "2026-03-08"),
            ("America/New_York", "2026-11-01"),
            ("America/Havana", "2026-03-08"),
            ("America/Havana", "2026-11-01"),
            ("Australia/Lord_Howe", "2026-04-05"),
            ("Australia/Lord_Howe", "2026-10-04"),
            ("Africa/Cairo", "2026-04-24"),
            ("Africa/Cairo", "2026-10-30"),
        ] {
            let noon: jiff::Timestamp = format!("{around}T12:00:00Z").parse().unwrap();
            let day_and_half = jiff::SignedDuration::from_hours(36);
            let (from, to) = (noon - day_and_half, noon + day_and_half);
            for expression in [
                "0 * * * *",
                "*/15 * * * *",
                "30 2 * * *",
                "15,45 0,1,2 * * *",
                "0 0 * * *",
                "7 1-3 * * *",
            ] {
                let found = firings(expression, zone, &from.to_string(), &to.to_string());
                assert!(found.len() >= 2, "`{expression}` in {zone}: {found:?}");
            }
        }
    }

    #[test]
    fn seconds_words_and_names_are_understood() {
        let utc = |expression, to| firings(expression, "UTC", "2026-11-25T00:00:00Z", to);
        assert_eq!(utc("*/20 * * * * *", "2026-11-25T00:00:50Z").len(), 3);
        assert_eq!(
            utc("15 30 9 * * *", "2026-11-26T00:00:00Z"),
            ["25 09:30:15+00:00"]
        );
        assert_eq!(
            utc("@daily", "2026-11-27T00:00:00Z"),
            ["25 00:00:00+00:00", "26 00:00:00+00:00"]
        );
        assert_eq!(
            utc("@Weekly", "2026-12-01T00:00:00Z"),
            ["29 00:00:00+00:00"]
        );
        assert_eq!(utc("0 9 * * MON-FRI", "2026-12-01T00:00:00Z").len(), 4);
        assert_eq!(
            utc("0 0 29 2 *", "2032-03-01T00:00:00Z").len(),
            2,
            "leap days"
        );
        assert_eq!(
            utc("0 0 L * *", "2027-01-01T00:00:00Z"),
            ["30 00:00:00+00:00", "31 00:00:00+00:00"]
        );
    }

    #[test]
    fn interval_counts_from_its_beginning_and_does_not_drift() {
        let every = |seconds, starting: Option<&str>| {
            Calendar::new(&Timing::Every { seconds }, starting.map(at), None).unwrap()
        };
        let hourly = every(3_600, None);
        assert_eq!(
            hourly.next(at("2026-11-25T10:59:59.999Z")),
            Some(at("2026-11-25T11:00:00Z"))
        );
        assert_eq!(
            hourly.next(at("2026-11-25T11:00:00Z")),
            Some(at("2026-11-25T12:00:00Z"))
        );
        assert_eq!(
            hourly.last(at("2026-11-25T11:00:00Z")),
            Some(at("2026-11-25T11:00:00Z"))
        );
        let odd = every(7, Some("2026-11-25T11:00:03Z"));
        assert_eq!(
            odd.next(at("2020-01-01T00:00:00Z")),
            Some(at("2026-11-25T11:00:03Z"))
        );
        assert_eq!(
            odd.next(at("2026-11-25T11:00:03Z")),
            Some(at("2026-11-25T11:00:10Z"))
        );
        assert_eq!(odd.last(at("2026-11-25T11:00:02Z")), None);
    }

    #[test]
    fn nothing_fires_before_its_beginning_or_from_its_end_on() {
        let timing = Timing::Cron {
            expression: "@daily".to_owned(),
            time_zone: "UTC".to_owned(),
        };
        let (starting, until) = (at("2026-11-25T00:00:00Z"), at("2026-11-27T00:00:00Z"));
        let calendar = Calendar::new(&timing, Some(starting), Some(until)).unwrap();
        let second = at("2026-11-26T00:00:00Z");
        assert_eq!(calendar.next(at("2026-01-01T00:00:00Z")), Some(starting));
        assert_eq!(calendar.next(starting), Some(second));
        assert_eq!(calendar.next(second), None);
        assert_eq!(calendar.last(at("2027-01-01T00:00:00Z")), Some(second));
        assert_eq!(calendar.last(just_before(starting)), None);
    }

    #[test]
    fn bad_expressions_are_refused_with_the_field_and_the_reason() {
        for (expression, told) in [
            ("", "it has 0 fields"),
            ("* * * *", "it has 4 fields"),
            ("* * * * * * *", "it has 7 fields"),
            ("60 * * * *", "the minute is `60`"),
            ("0 24 * * *", "the hour is `24`"),
            ("0 0 32 * *", "the day of month is `32`"),
            ("0 0 1 13 *", "the month is `13`"),
            ("0 0 * * 9", "the day of week is `9`"),
            ("0 0 * * MOO", "the day of week is `MOO`"),
            ("61 * * * * *", "the second is `61`"),
            ("0 9-5 * * *", "the hour is `9-5`"),
            ("*/0 * * * *", "the minute is `*/0`"),
            ("1,,2 * * * *", "the minute is `1,,2`"),
            ("@fortnightly", "there are `@yearly`"),
            (
                "0 0 31 2 *",
                "there is no such date, so it would never fire",
            ),
            ("0 0 30 FEB *", "there is no such date"),
        ] {
            let refusal = match cron(expression, "UTC") {
                Ok(_) => panic!("`{expression}` is taken"),
                Err(refusal) => refusal.to_string(),
            };
            assert!(refusal.contains(told), "`{expression}`: {refusal}");
            assert!(
                refusal.starts_with(&format!("cron expression `{expression}` cannot be used: ")),
                "{refusal}"
            );
        }
    }
}
