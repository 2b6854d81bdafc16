//! What the tests share with the processes that they start, and with the benches.

pub mod postgres;
pub mod watched_store;
