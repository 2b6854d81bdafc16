//! Time zones by name.

use jiff::tz::{TimeZone, db};

use super::Invalid;

/// The zone of that name, as the system knows it, or else as it was when this library was built.
pub(super) fn find(name: &str) -> Result<TimeZone, Invalid> {
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = db().available().map(|zone| zone.to_string()).collect();
        let reason = match nearest(name, &known) {
            Some(zone) => format!("there is none of this name; did you mean `{zone}`?"),
            None => {
                "there is none of this name; they are named as `Europe/Berlin` or `UTC`".to_owned()
            }
        };
        Invalid::new("time zone", name, reason)
    })
}

/// The name that was probably meant: the same city, or few letters away.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let name = name.to_lowercase().replace(' ', "_");
    let city = |zone: &str| zone.to_lowercase().rsplit('/').next() == Some(name.as_str());
    let same_city = known.iter().find(|zone| city(zone));
    let near = || {
        let distances = known
            .iter()
            .map(|zone| (distance(&name, &zone.to_lowercase()), zone));
        let nearest = distances.min_by_key(|(distance, _)| *distance);
        nearest
            .filter(|(distance, _)| *distance <= 3)
            .map(|(_, zone)| zone)
    };
    same_city.or_else(near).map(String::as_str)
}

/// How many letters must be put in, taken out or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_zone_is_answered_with_the_nearest() {
        for (typed, meant) in [
            ("Europe/Berlinn", "Europe/Berlin"),
            ("berlin", "Europe/Berlin"),
            ("New York", "America/New_York"),
            ("Europ/Paris", "Europe/Paris"),
        ] {
            let refusal = find(typed).unwrap_err().to_string();
            assert!(
                refusal.contains(&format!("did you mean `{meant}`?")),
                "{refusal}"
            );
        }
        let refusal = find("Middle-earth/Bree").unwrap_err().to_string();
        assert!(refusal.contains("named as `Europe/Berlin`"), "{refusal}");
    }

    #[test]
    fn zones_are_found_however_they_are_written() {
        for name in ["UTC", "Europe/Berlin", "europe/berlin", "America/New_York"] {
            find(name).unwrap();
        }
    }
}
