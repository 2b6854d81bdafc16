//! What can go wrong, in three types for three readers: [`Fault`] is what the engine reports in place of a
//! step's own error, [`Failure`] takes any error of an author's code, [`Error`] answers callers of the library.

mod api;
mod failure;
mod fault;
#[cfg(feature = "agents")]
mod model;
mod typed;

pub use api::{Error, RunFailed};
pub use failure::{Failure, Result};
pub use fault::Fault;
#[cfg(feature = "agents")]
pub use model::{ModelError, ModelErrorKind};
pub use typed::{Classify, StepError, StepResult};
