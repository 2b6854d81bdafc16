//! Which types an author may return as errors.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Failure, Fault};
use crate::model::Json;

/// An error that a step or workflow may return. Implemented for every type that is storable, printable and made
/// from a [`Fault`]; [`Failure`] is the one to start with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a step or workflow",
    label = "this error cannot be stored between checkpoints",
    note = "return `sagewai::Result<T>`: its `?` accepts any error, including `anyhow::Error`, and stores the message chain",
    note = "or keep `{Self}` typed: derive `serde::Serialize` and `serde::Deserialize`, implement `Display`, and add a variant `Engine(#[from] sagewai::Fault)`"
)]
pub trait StepError: Sized + Send + 'static {
    #[doc(hidden)]
    fn store(&self) -> Result<Json, Fault>;
    #[doc(hidden)]
    fn load(json: &Json) -> Result<Self, Fault>;
    #[doc(hidden)]
    fn from_fault(fault: Fault) -> Self;
    #[doc(hidden)]
    fn message(&self) -> String;
}

#[diagnostic::do_not_recommend]
impl<E> StepError for E
where
    E: Serialize + DeserializeOwned + From<Fault> + Display + Send + 'static,
{
    fn store(&self) -> Result<Json, Fault> {
        Json::encode(self)
    }
    fn load(json: &Json) -> Result<E, Fault> {
        json.decode()
    }
    fn from_fault(fault: Fault) -> E {
        fault.into()
    }
    fn message(&self) -> String {
        self.to_string()
    }
}

/// Says of a typed error whether another attempt can help. An error type without it is retried as the step's
/// options say.
///
/// ```
/// # use sagewai::Classify;
/// enum ChargeError { Declined, Unreachable }
///
/// impl Classify for ChargeError {
///     fn is_terminal(&self) -> bool {
///         matches!(self, ChargeError::Declined)
///     }
/// }
/// # assert!(ChargeError::Declined.is_terminal() && !ChargeError::Unreachable.is_terminal());
/// ```
pub trait Classify {
    /// Whether the step's remaining retries are pointless.
    fn is_terminal(&self) -> bool;
}

impl Classify for Failure {
    fn is_terminal(&self) -> bool {
        Failure::is_terminal(self)
    }
}

/// `Result<T, E>`, under whatever alias it is written.
#[diagnostic::on_unimplemented(
    message = "a step or workflow returns a `Result`, not `{Self}`",
    label = "expected `Result<_, _>`",
    note = "write `-> sagewai::Result<{Self}>` and end the body with `Ok(..)`"
)]
pub trait StepResult {
    #[doc(hidden)]
    type Ok;
    #[doc(hidden)]
    type Err;
    #[doc(hidden)]
    fn result(self) -> std::result::Result<Self::Ok, Self::Err>;
}

#[diagnostic::do_not_recommend]
impl<T, E> StepResult for std::result::Result<T, E> {
    type Ok = T;
    type Err = E;
    fn result(self) -> std::result::Result<T, E> {
        self
    }
}
