//! Values of flags, as people write them.

use std::time::Duration;

use crate::model::Label;

/// A time: `30s`, `1m 30s`, `250ms`, or seconds as a plain number.
pub(in crate::cli) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
    }
    humantime::parse_duration(text.trim())
        .map_err(|error| format!("write `30s`, `1m 30s` or `250ms` ({error})"))
}

/// A label: `gpu=true`, `gpus=4`, `zone=eu`.
pub(super) fn label(text: &str) -> Result<(String, Label), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err("write `key=value`".to_owned());
    };
    let value = match (value.parse::<bool>(), value.parse::<i64>()) {
        (Ok(value), _) => Label::Bool(value),
        (_, Ok(value)) => Label::Int(value),
        _ => Label::Text(value.to_owned()),
    };
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_or_are_seconds() {
        for (text, milliseconds) in [
            ("30s", 30_000),
            ("1m 30s", 90_000),
            ("250ms", 250),
            ("2", 2_000),
            ("0.5", 500),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in ["", "s", "-1", "NaN", "ten"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_are_bools_numbers_or_texts() {
        for (text, value) in [
            ("a=true", Label::Bool(true)),
            ("a=-4", Label::Int(-4)),
            ("a=eu", Label::Text("eu".to_owned())),
            ("a=x=y", Label::Text("x=y".to_owned())),
        ] {
            assert_eq!(label(text), Ok(("a".to_owned(), value)));
        }
        assert!(label("gpu").is_err());
    }
}
