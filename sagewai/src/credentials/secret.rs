//! A text that is shown to nobody.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A text that is shown to nobody: no key, password or token in it reaches a log, an error or the database by
/// accident. It can be neither displayed nor serialised, its `Debug` is `Secret(..)`, and its memory is overwritten
/// when it is dropped.
///
/// ```
/// use sagewai::Secret;
///
/// let key = Secret::from("sk-123");
/// assert_eq!(format!("{key:?}"), "Secret(..)");
/// assert_eq!(key.expose(), "sk-123");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The text. Hand it to the one call that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
