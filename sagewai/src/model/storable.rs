//! Which values JSON and both databases can hold unchanged. `serde_json` writes `NaN` as `null` without a word,
//! and PostgreSQL refuses NUL only after the step's effect has happened; so a value is looked through before it
//! is written, and the step fails with a reason that names the place.

use std::fmt::Display;

use serde::{Serialize, ser};

use crate::error::Fault;

/// Looks through a value.
pub(crate) fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), Fault> {
    match value.serialize(Check) {
        Ok(()) => Ok(()),
        Err(refused) => Err(refused.into_fault()),
    }
}

/// Why a value is refused, and the way to it from the outside, innermost part first.
#[derive(Debug)]
struct Refused {
    reason: String,
    path: Vec<String>,
}

impl Refused {
    fn new(reason: impl Into<String>) -> Refused {
        Refused {
            reason: reason.into(),
            path: Vec::new(),
        }
    }

    fn into_fault(self) -> Fault {
        Fault::Encode {
            reason: self.text(),
        }
    }

    fn at(mut self, part: impl Into<String>) -> Refused {
        self.path.push(part.into());
        self
    }

    fn text(&self) -> String {
        if self.path.is_empty() {
            return self.reason.clone();
        }
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        format!("{} at `{}`", self.reason, path.join("."))
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}
impl std::error::Error for Refused {}
impl ser::Error for Refused {
    fn custom<T: Display>(msg: T) -> Refused {
        Refused::new(msg.to_string())
    }
}

type Checked = Result<(), Refused>;

/// A serializer that writes nothing.
struct Check;

/// The parts of a sequence, counted.
struct Items(usize);

/// The entries of a map; the key is kept for the message.
struct Entries(String);

fn finite(value: f64) -> Checked {
    if value.is_finite() {
        return Ok(());
    }
    Err(Refused::new(format!("JSON has no number {value}")))
}

fn no_nul(text: &str) -> Checked {
    if !text.contains('\0') {
        return Ok(());
    }
    Err(Refused::new(
        "a text holds a NUL character, which databases refuse",
    ))
}

macro_rules! fine {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, _: $type) -> Checked { Ok(()) })*
    };
}

impl ser::Serializer for Check {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fine! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_bytes: &[u8], serialize_unit_struct: &'static str,
    }
    fn serialize_f32(self, value: f32) -> Checked {
        finite(value.into())
    }
    fn serialize_f64(self, value: f64) -> Checked {
        finite(value)
    }
    fn serialize_char(self, value: char) -> Checked {
        no_nul(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Checked {
        no_nul(value)
    }
    fn serialize_none(self) -> Checked {
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Checked {
        value.serialize(Check)
    }
    fn serialize_unit(self) -> Checked {
        Ok(())
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Checked {
        Ok(())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Checked {
        value.serialize(Check)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Checked {
        value.serialize(Check).map_err(|e| e.at(variant))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Refused> {
        Ok(Items(0))
    }
    fn serialize_tuple(self, _: usize) -> Result<Items, Refused> {
        Ok(Items(0))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Refused> {
        Ok(Items(0))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Items, Refused> {
        Ok(Items(0))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Refused> {
        Ok(Entries(String::new()))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, Refused> {
        Ok(Entries(String::new()))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Entries, Refused> {
        Ok(Entries(String::new()))
    }
}

impl Items {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
        let index = self.0;
        self.0 += 1;
        value.serialize(Check).map_err(|e| e.at(index.to_string()))
    }
}

macro_rules! items {
    ($($trait:ident $method:ident),*) => { $(
        impl ser::$trait for Items {
            type Ok = ();
            type Error = Refused;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
                self.item(value)
            }
            fn end(self) -> Checked {
                Ok(())
            }
        }
    )* };
}
items!(SerializeSeq serialize_element, SerializeTuple serialize_element,
       SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field);

macro_rules! fields {
    ($($trait:ident),*) => { $(
        impl ser::$trait for Entries {
            type Ok = ();
            type Error = Refused;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Checked {
                value.serialize(Check).map_err(|e| e.at(key))
            }
            fn end(self) -> Checked {
                Ok(())
            }
        }
    )* };
}
fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Entries {
    type Ok = ();
    type Error = Refused;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Checked {
        key.serialize(Check)?;
        // Only read when a value is refused, and keys are short: the text is for the message.
        let text = serde_json::to_string(key).unwrap_or_default();
        text.trim_matches('"').clone_into(&mut self.0);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
        value
            .serialize(Check)
            .map_err(|e| e.at(std::mem::take(&mut self.0)))
    }
    fn end(self) -> Checked {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    struct Draft {
        scores: Vec<f64>,
        notes: BTreeMap<String, Option<&'static str>>,
    }

    fn refusal(draft: &Draft) -> String {
        check(draft).unwrap_err().to_string()
    }

    #[test]
    fn refusal_names_the_place() {
        let mut draft = Draft {
            scores: vec![1.0, f64::NAN],
            notes: BTreeMap::new(),
        };
        assert_eq!(
            refusal(&draft),
            "cannot be stored: JSON has no number NaN at `scores.1`"
        );
        draft.scores.clear();
        draft.notes.insert("title".into(), Some("a\0"));
        assert_eq!(
            refusal(&draft),
            "cannot be stored: a text holds a NUL character, which databases refuse at `notes.title`"
        );
        draft.notes.clear();
        assert!(check(&draft).is_ok());
    }
}
