//! Lengths of time as text: `1m 30s`, `500ms`, `2.5h`.

const UNITS: &[(&[&str], f64)] = &[
    (&["ms"], 1e6),
    (&["s", "sec", "secs", "second", "seconds"], 1e9),
    (&["m", "min", "mins", "minute", "minutes"], 60e9),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600e9),
    (&["d", "day", "days"], 86_400e9),
];
const UNIT_NAMES: &str = "ms, s, m, h, d";

/// A length of time in nanoseconds, or why the text is none.
pub(super) fn nanos(text: &str) -> Result<u64, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("it is empty".into());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let number: f64 = number
            .parse()
            .map_err(|_| format!("expected a number at `{rest}`"))?;
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        let nanos = rounded(number * factor(unit)?).ok_or("it is too long")?;
        total = total.checked_add(nanos).ok_or("it is too long")?;
        rest = after.trim_start();
    }
    Ok(total)
}

/// Seconds in whole nanoseconds; none where that is more than about 580 years, or less than nothing.
pub(super) fn of_seconds(seconds: f64) -> Option<u64> {
    rounded(seconds * 1e9)
}

fn rounded(nanos: f64) -> Option<u64> {
    const MAX: f64 = 18_446_744_073_709_551_615.0;
    // In range and whole by the line before, so the cast says what it holds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (0.0..MAX).contains(&nanos).then(|| nanos.round() as u64)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn factor(unit: &str) -> Result<f64, String> {
    if unit.is_empty() {
        return Err(format!("a unit is missing ({UNIT_NAMES})"));
    }
    UNITS
        .iter()
        .find(|(names, _)| names.contains(&unit))
        .map(|(_, nanos)| *nanos)
        .ok_or_else(|| format!("unknown unit `{unit}` ({UNIT_NAMES})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_units_are_lengths_of_time() {
        const SECOND: u64 = 1_000_000_000;
        for (text, nanos_expected) in [
            ("500ms", SECOND / 2),
            ("30s", 30 * SECOND),
            ("1m 30s", 90 * SECOND),
            ("1h30m", 5_400 * SECOND),
            ("2.5 s", SECOND * 5 / 2),
            ("7 days", 7 * 86_400 * SECOND),
            ("0s", 0),
        ] {
            assert_eq!(nanos(text), Ok(nanos_expected), "{text}");
        }
    }

    #[test]
    fn other_texts_say_what_is_wrong() {
        for (text, why) in [
            ("", "it is empty"),
            ("30", "a unit is missing (ms, s, m, h, d)"),
            ("30 parsecs", "unknown unit `parsecs` (ms, s, m, h, d)"),
            ("-5s", "expected a number at `-5s`"),
            ("soon", "expected a number at `soon`"),
            ("1.2.3s", "expected a number at `1.2.3s`"),
            ("99999999999d", "it is too long"),
            ("200000d 200000d", "it is too long"),
        ] {
            assert_eq!(nanos(text), Err(why.to_owned()), "{text}");
        }
    }
}
