//! How long a provider wants to be left alone.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// What is believed at most.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads `retry-after-ms` and `retry-after`, which is a number of seconds or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let ms = text("retry-after-ms").and_then(|ms| seconds(ms, 1e3));
    let pause = ms.or_else(|| {
        let text = text(RETRY_AFTER.as_str())?;
        seconds(text, 1.0).or_else(|| {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        })
    });
    pause.map(|pause| pause.min(LONGEST))
}

fn seconds(text: &str, parts: f64) -> Option<Duration> {
    let number: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(number / parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        // 1994-11-06 08:49:07 UTC.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_747);
        retry_after(&headers, now)
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read_and_nonsense_is_not() {
        let ms = Duration::from_millis;
        for (name, value, pause) in [
            ("retry-after", "7", Some(ms(7_000))),
            ("retry-after", "0.5", Some(ms(500))),
            ("retry-after-ms", "250", Some(ms(250))),
            (
                "retry-after",
                "Sun, 06 Nov 1994 08:49:37 GMT",
                Some(ms(30_000)),
            ),
            ("retry-after", "Sat, 06 Nov 1993 08:49:37 GMT", Some(ms(0))),
            ("retry-after", "99999999999", Some(LONGEST)),
            ("retry-after", "-1", None),
            ("retry-after", "soon", None),
            ("retry-after", "NaN", None),
        ] {
            assert_eq!(read(name, value), pause, "{name}: {value}");
        }
    }
}
