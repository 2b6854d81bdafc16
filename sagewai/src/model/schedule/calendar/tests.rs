//! What expressions mean, above all when clocks change.

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
