//! Cron expressions: what may be written, and what is wrong where.

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};

use super::Invalid;

/// Up to so many times of day, an expression that lists them is taken apart into them.
const LISTED_MAX: usize = 100;

/// Reads an expression: one for each time of day that it lists, the nearest of which counts.
pub(super) fn parse(expression: &str) -> Result<Vec<Cron>, Invalid> {
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
