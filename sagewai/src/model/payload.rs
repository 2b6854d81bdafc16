//! What is stored of a value: its JSON text, exactly as written once.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::storable;
use crate::error::Fault;

/// JSON text. It is written once, when a value is stored, and handed on unchanged from there: to the database,
/// to other processes, to the function that reads it back.
///
/// The text is valid JSON and holds no NUL character, so every store can keep it.
///
/// ```
/// use sagewai::Json;
///
/// let json = Json::encode(&vec![1, 2, 3])?;
/// assert_eq!(json.as_str(), "[1,2,3]");
/// assert_eq!(json.decode::<Vec<u8>>()?, [1, 2, 3]);
/// # Ok::<(), sagewai::Fault>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Arc<str>);

impl Json {
    /// The value as JSON text.
    ///
    /// # Errors
    /// [`Fault::Encode`] where JSON cannot hold the value: a number that is not finite, a NUL character,
    /// a map whose keys are not strings, or a `Serialize` that fails.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Json, Fault> {
        let mut text = Vec::with_capacity(64);
        Json::encode_into(value, &mut text)?;
        // serde_json writes UTF-8 only, so nothing is lost here.
        Ok(Json(String::from_utf8_lossy(&text).into()))
    }

    /// Appends the JSON text of `value` to `out`, under the rules of [`Json::encode`].
    pub(crate) fn encode_into<T: Serialize + ?Sized>(
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        storable::check(value)?;
        // No `map_err`: it would be compiled once for each type.
        match serde_json::to_writer(out, value) {
            Ok(()) => Ok(()),
            Err(error) => Err(unwritable(&error)),
        }
    }

    /// Takes text that is JSON already.
    ///
    /// # Errors
    /// [`Fault::Decode`] where it is not, or where it holds a NUL character (`\u0000`).
    pub fn parse(text: impl Into<String>) -> Result<Json, Fault> {
        let text = text.into();
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| Fault::Decode {
            reason: e.to_string(),
        })?;
        storable::check(&value)?;
        Ok(Json(text.into()))
    }

    /// Text that came out of a store, which let in nothing but what [`Json`] wrote.
    pub(crate) fn from_store(text: String) -> Json {
        Json(text.into())
    }

    /// Text that was put together from encoded parts.
    pub(crate) fn from_parts(text: &[u8]) -> Json {
        Json(String::from_utf8_lossy(text).into())
    }

    /// The JSON value `null`.
    pub fn null() -> Json {
        Json("null".into())
    }

    /// Reads the value back.
    ///
    /// # Errors
    /// [`Fault::Decode`] where the text does not describe a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_str(&self.0).map_err(|e| Fault::Decode {
            reason: e.to_string(),
        })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Length of the text in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Always false: the shortest JSON text has one byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn unwritable(error: &serde_json::Error) -> Fault {
    Fault::Encode {
        reason: error.to_string(),
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As the value that the text describes, not as a string.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Json(raw.get().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_a_round_trip_unchanged() {
        let json = Json::parse(r#"{"b": 1,  "a": [1.50]}"#).unwrap();
        let held = serde_json::to_string(&json).unwrap();
        assert_eq!(held, r#"{"b": 1,  "a": [1.50]}"#);
        assert_eq!(serde_json::from_str::<Json>(&held).unwrap(), json);
    }

    #[test]
    fn nul_is_refused_however_it_comes() {
        assert!(matches!(Json::encode("a\0b"), Err(Fault::Encode { .. })));
        assert!(Json::parse(r#"{"a":"x\u0000"}"#).is_err());
        assert!(Json::parse(r#"{"a":"x\\u0000"}"#).is_ok());
    }
}
