//! How a store fails.

use std::error::Error as StdError;

/// The result of a store's method.
pub type StoreResult<T> = Result<T, StoreError>;

/// What a store could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database cannot be reached, is shutting down, or is too busy. Whether a write went through is unknown;
    /// the same call may succeed later.
    #[error("the store at {store} cannot be reached: {reason}")]
    Unavailable {
        /// Which store, without secrets.
        store: String,
        /// What it said.
        reason: String,
        /// The driver's error.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The tables are missing, or were made by another version.
    #[error("the tables of {store} cannot be used: {reason}")]
    Schema {
        /// Which store, without secrets.
        store: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The URL names no store.
    #[error("`{url}` is no store: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// A payload is larger than [`PAYLOAD_BYTES_MAX`](super::PAYLOAD_BYTES_MAX).
    #[error(
        "{what} has {bytes} bytes of JSON, and the limit is {limit}; store a reference to it instead"
    )]
    TooLarge {
        /// Which payload.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// A row cannot be understood: it was written by a newer version, or by something else.
    #[error("the store at {store} holds something that this version cannot read: {reason}")]
    Corrupt {
        /// Which store, without secrets.
        store: String,
        /// Which row, and what is wrong with it.
        reason: String,
    },
    /// The database refused a statement, and would again.
    #[error("the store at {store} refused: {reason}")]
    Refused {
        /// Which store, without secrets.
        store: String,
        /// What it said.
        reason: String,
        /// The driver's error.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Unavailable { .. })
    }
}
