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

/// Arguments as a tuple, and how each is stored. Written once for each number of arguments, and without bounds, so that
/// generated code has no more to say than their types.
pub trait Arguments: Sized {
    /// An [`Arg`] for each.
    type Each;
    /// The arguments as one object.
    fn write(&self, each: &Self::Each, names: &[&str]) -> Result<Json, Fault>;
    /// The arguments of that object.
    fn read(json: &Json, each: &Self::Each, names: &[&str]) -> Result<Self, Fault>;
}

macro_rules! arguments {
    ($(($($index:tt $ty:ident),*))*) => { $(
        impl<$($ty),*> Arguments for ($($ty,)*) {
            type Each = ($(Arg<$ty>,)*);
            #[allow(unused_variables, unused_mut)]
            fn write(&self, each: &Self::Each, names: &[&str]) -> Result<Json, Fault> {
                let mut writer = ArgsWriter::new();
                $( writer.put(each.$index, names[$index], &self.$index)?; )*
                Ok(writer.finish())
            }
            #[allow(unused_variables, unused_mut)]
            fn read(json: &Json, each: &Self::Each, names: &[&str]) -> Result<Self, Fault> {
                let mut reader = ArgsReader::new(json)?;
                Ok(($( reader.take(each.$index, names[$index])?, )*))
            }
        }
    )* };
}
arguments! {
    ()
    (0 A)
    (0 A, 1 B)
    (0 A, 1 B, 2 C)
    (0 A, 1 B, 2 C, 3 D)
    (0 A, 1 B, 2 C, 3 D, 4 E)
    (0 A, 1 B, 2 C, 3 D, 4 E, 5 F)
    (0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G)
    (0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G, 7 H)
}

/// Writes the arguments of one call.
struct ArgsWriter(Vec<u8>);

impl ArgsWriter {
    fn new() -> ArgsWriter {
        ArgsWriter(vec![b'{'])
    }

    fn put<T>(&mut self, arg: Arg<T>, name: &str, value: &T) -> Result<(), Fault> {
        self.begin(name);
        match (arg.store)(value, &mut self.0) {
            Ok(()) => Ok(()),
            Err(fault) => Err(named(name, fault)),
        }
    }

    fn begin(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        // A parameter's name is an identifier, so nothing in it needs an escape.
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn finish(mut self) -> Json {
        self.0.push(b'}');
        Json::from_parts(&self.0)
    }
}

/// Reads the arguments of one call.
struct ArgsReader<'a>(HashMap<String, &'a RawValue>);

impl<'a> ArgsReader<'a> {
    /// Takes the object apart.
    fn new(json: &'a Json) -> Result<ArgsReader<'a>, Fault> {
        serde_json::from_str(json.as_str())
            .map(ArgsReader)
            .map_err(|e| Fault::Decode {
                reason: format!("arguments are a JSON object keyed by parameter name: {e}"),
            })
    }

    /// Reads one argument; one that is not there reads as `null`.
    fn take<T>(&mut self, arg: Arg<T>, name: &str) -> Result<T, Fault> {
        match (arg.load)(self.text(name)) {
            Ok(value) => Ok(value),
            Err(fault) => Err(named(name, fault)),
        }
    }

    fn text(&mut self, name: &str) -> &'a str {
        self.0.remove(name).map_or("null", RawValue::get)
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
        let each = (arg::<u32>(), arg::<String>());
        let json = (7, "a \"b\"".to_owned()).write(&each, &["cents", "to"]);
        let json = json.unwrap();
        assert_eq!(json.as_str(), r#"{"cents":7,"to":"a \"b\""}"#);

        let each = (arg::<u32>(), arg::<Option<bool>>());
        let read = <(u32, Option<bool>)>::read(&json, &each, &["cents", "express"]);
        assert_eq!(read.unwrap(), (7, None));
        let missing = <(u32,)>::read(&json, &(arg(),), &["dollars"]).unwrap_err();
        assert!(missing.to_string().contains("argument `dollars`"));
    }
}
