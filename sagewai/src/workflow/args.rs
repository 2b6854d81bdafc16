//! How arguments are stored: as one JSON object, keyed by parameter name.
//!
//! Named, also for a single argument: journals can be read by people, and an argument of type `Option` that is
//! added later reads `null` from older records.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::spec::Payload;
use crate::error::Fault;
use crate::model::Json;

/// How one argument is stored. Made by a function that has the bound, so that a missing derive is one error.
#[derive(Debug)]
pub struct Arg<T> {
    store: fn(&T, &mut Vec<u8>) -> Result<(), Fault>,
    load: fn(&str) -> Result<T, Fault>,
}

impl<T> Clone for Arg<T> {
    fn clone(&self) -> Arg<T> {
        *self
    }
}
impl<T> Copy for Arg<T> {}

/// How an argument of this type is stored.
pub const fn arg<T: Payload>() -> Arg<T> {
    Arg {
        store: T::store_into,
        load: T::load,
    }
}

/// Writes the arguments of one call.
#[derive(Debug)]
pub struct ArgsWriter(Vec<u8>);

impl ArgsWriter {
    /// No arguments yet.
    #[allow(clippy::new_without_default)]
    pub fn new() -> ArgsWriter {
        ArgsWriter(vec![b'{'])
    }

    /// Adds one argument.
    pub fn put<T>(&mut self, arg: Arg<T>, name: &str, value: &T) -> Result<(), Fault> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        // A parameter's name is an identifier, so nothing in it needs an escape.
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        (arg.store)(value, &mut self.0).map_err(|fault| named(name, fault))
    }

    /// The object.
    pub fn finish(mut self) -> Json {
        self.0.push(b'}');
        Json::from_parts(&self.0)
    }
}

/// Reads the arguments of one call.
#[derive(Debug)]
pub struct ArgsReader<'a>(HashMap<String, &'a RawValue>);

impl<'a> ArgsReader<'a> {
    /// Takes the object apart.
    pub fn new(json: &'a Json) -> Result<ArgsReader<'a>, Fault> {
        serde_json::from_str(json.as_str())
            .map(ArgsReader)
            .map_err(|e| Fault::Decode {
                reason: format!("arguments are a JSON object keyed by parameter name: {e}"),
            })
    }

    /// Reads one argument; one that is not there reads as `null`.
    pub fn take<T>(&mut self, arg: Arg<T>, name: &str) -> Result<T, Fault> {
        let text = self.0.remove(name).map_or("null", RawValue::get);
        (arg.load)(text).map_err(|fault| named(name, fault))
    }
}

fn named(name: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Encode { reason } => Fault::Encode {
            reason: format!("argument `{name}`: {reason}"),
        },
        Fault::Decode { reason } => Fault::Decode {
            reason: format!("argument `{name}`: {reason}"),
        },
        other => other,
    }
}

/// An argument taken by `&T`: a copy of its value is stored.
pub fn copy<T: Clone>(value: &T) -> T {
    value.clone()
}

/// An argument taken by `&str`, `&[T]` or `&Path`: a copy of its value is stored.
pub fn own<T: ToOwned + ?Sized>(value: &T) -> T::Owned {
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object_and_a_missing_one_reads_null() {
        let mut writer = ArgsWriter::new();
        writer.put(arg::<u32>(), "cents", &7).unwrap();
        writer
            .put(arg::<String>(), "to", &"a \"b\"".to_owned())
            .unwrap();
        let json = writer.finish();
        assert_eq!(json.as_str(), r#"{"cents":7,"to":"a \"b\""}"#);

        let mut reader = ArgsReader::new(&json).unwrap();
        assert_eq!(reader.take(arg::<u32>(), "cents").unwrap(), 7);
        assert_eq!(reader.take(arg::<Option<bool>>(), "express").unwrap(), None);
        let missing = reader.take(arg::<u32>(), "cents").unwrap_err();
        assert!(missing.to_string().contains("argument `cents`"));
    }
}
