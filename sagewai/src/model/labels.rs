//! Labels: what a run asks of a worker, and what a worker offers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{Invalid, check_name};

/// The value of a label. Only these three kinds, because all databases compare them alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Label {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text of 1 to 100 bytes.
    Text(String),
}

impl From<bool> for Label {
    fn from(value: bool) -> Label {
        Label::Bool(value)
    }
}
impl From<i64> for Label {
    fn from(value: i64) -> Label {
        Label::Int(value)
    }
}
impl From<i32> for Label {
    fn from(value: i32) -> Label {
        Label::Int(value.into())
    }
}
impl From<&str> for Label {
    fn from(value: &str) -> Label {
        Label::Text(value.to_owned())
    }
}
impl From<String> for Label {
    fn from(value: String) -> Label {
        Label::Text(value)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Bool(value) => value.fmt(f),
            Label::Int(value) => value.fmt(f),
            Label::Text(value) => value.fmt(f),
        }
    }
}

/// A set of labels. A worker may serve a run when its labels contain the run's: same key, same value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, Label>);

impl Labels {
    /// No labels.
    pub fn new() -> Labels {
        Labels::default()
    }

    /// From a JSON object, as in `{"zone": "eu", "gpu": true}`.
    ///
    /// # Errors
    /// [`Invalid`] where a value is no bool, whole number or text.
    pub fn from_json(object: serde_json::Value) -> Result<Labels, Invalid> {
        let shown = object.to_string();
        let labels: Labels = serde_json::from_value(object).map_err(|_| {
            Invalid::new(
                "label set",
                &shown,
                "it must be a JSON object whose values are bools, whole numbers or texts",
            )
        })?;
        labels.check()?;
        Ok(labels)
    }

    /// Adds one, replacing an earlier one of the same key.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Label>) {
        self.0.insert(key.into(), value.into());
    }

    /// Checks every key and value against the rules of names.
    pub fn check(&self) -> Result<(), Invalid> {
        for (key, value) in &self.0 {
            check_name("label", key)?;
            if let Label::Text(text) = value {
                check_name("label value", text)?;
            }
        }
        Ok(())
    }

    /// Whether a worker with these labels may serve a run that asks for `wanted`.
    pub fn contain(&self, wanted: &Labels) -> bool {
        wanted
            .0
            .iter()
            .all(|(key, value)| self.0.get(key) == Some(value))
    }

    /// Those of `wanted` that are not among these.
    pub fn lack(&self, wanted: &Labels) -> Labels {
        let mut lacking = wanted.clone();
        lacking
            .0
            .retain(|key, value| self.0.get(key) != Some(value));
        lacking
    }

    /// These, with `more` on top: of one key, the value of `more` counts.
    pub fn with(&self, more: &Labels) -> Labels {
        let mut all = self.clone();
        all.0
            .extend(more.0.iter().map(|(k, v)| (k.clone(), v.clone())));
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Key and value of each, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Label)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The one JSON text of this set, keys in order: equal sets have equal texts.
    pub fn to_json(&self) -> String {
        // A map of texts to scalars: JSON can hold it.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// `zone=eu gpu=true`
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (key, value)) in self.0.iter().enumerate() {
            let gap = if i > 0 { " " } else { "" };
            write!(f, "{gap}{key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containment_is_by_key_and_typed_value() {
        let worker = Labels::from_json(json!({"zone": "eu", "gpu": true, "cpus": 8})).unwrap();
        let asks = |v| worker.contain(&Labels::from_json(v).unwrap());
        assert!(asks(json!({})));
        assert!(asks(json!({"gpu": true, "zone": "eu"})));
        assert!(!asks(json!({"gpu": "true"})));
        assert!(!asks(json!({"zone": "us"})));
        assert!(!asks(json!({"disk": 1})));
        assert!(!Labels::new().contain(&worker));
    }

    #[test]
    fn values_that_databases_compare_differently_are_refused() {
        for bad in [
            json!({"a": 1.5}),
            json!({"a": [1]}),
            json!({"a": null}),
            json!([1]),
        ] {
            assert!(Labels::from_json(bad).is_err());
        }
        assert!(Labels::from_json(json!({"": 1})).is_err());
    }
}
