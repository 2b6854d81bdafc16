//! Answers an unknown name with the known ones.

/// What to add to a message about an unknown name: the one that was probably meant, and all that there are.
pub(in crate::cli) fn nearest(unknown: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "; there are none".to_owned();
    }
    let alike = known
        .iter()
        .map(|name| (strsim::jaro_winkler(unknown, name), *name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let meant = match alike {
        Some((likeness, name)) if likeness > 0.75 => format!("; did you mean `{name}`?"),
        _ => ";".to_owned(),
    };
    format!("{meant} known: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_answered_with_what_was_meant_and_what_there_is() {
        let known = ["pool", "labels", "lease"];
        assert_eq!(
            nearest("laebls", &known),
            "; did you mean `labels`? known: pool, labels, lease"
        );
        assert_eq!(nearest("xyz", &known), "; known: pool, labels, lease");
        assert_eq!(nearest("x", &[]), "; there are none");
    }
}
