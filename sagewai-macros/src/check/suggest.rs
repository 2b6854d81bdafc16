//! The option that the author probably meant.

use proc_macro2::Ident;

use crate::model::Attribute;

/// The message for an option that does not exist: the nearest one, and all there are.
pub(super) fn unknown_option(attribute: Attribute, key: &Ident, known: &[&str]) -> String {
    let written = key.to_string();
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let (verb, list) = match list.as_slice() {
        [only] => ("its option is", only.clone()),
        all => ("its options are", all.join(", ")),
    };
    let guess = nearest(&written, known).map(|name| format!("; did you mean `{name}`?"));
    format!(
        "`#[{attribute}]` has no option `{written}`{}\n{verb} {list}",
        guess.unwrap_or_default()
    )
}

fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().filter_map(|name| {
        let distance = distance(written, name);
        let longer = name.len().max(written.len());
        let begun = name.starts_with(written) || written.starts_with(name);
        (begun || distance <= longer / 2).then_some((distance, *name))
    });
    near.min().map(|(_, name)| name)
}

/// How many letters to change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_option_is_offered_and_a_far_one_is_not() {
        let known = ["name", "retries", "retry_delay", "backoff", "timeout"];
        assert_eq!(nearest("retry", &known), Some("retries"));
        assert_eq!(nearest("ret", &known), Some("retries"));
        assert_eq!(nearest("retires", &known), Some("retries"));
        assert_eq!(nearest("time_out", &known), Some("timeout"));
        assert_eq!(nearest("colour", &known), None);
    }
}
