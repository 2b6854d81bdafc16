//! What the tests in `it` and the programs that they kill share.

pub mod watched_store;
