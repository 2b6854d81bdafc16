//! The error that takes any error.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fault;

/// The result of a step or a workflow. `?` takes any error into it.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Any error, as it is stored: its message and those of its causes.
///
/// `?` turns every error type into it, `anyhow::Error`, `String` and `&str` among them. A failure is retried as
/// the step's options say, unless it was made by [`Failure::terminal`].
///
/// ```
/// use sagewai::{Failure, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     let port: u16 = text.parse()?;
///     if port == 0 {
///         return Err(Failure::terminal("port 0 cannot be dialled"));
///     }
///     Ok(port)
/// }
/// assert!(!port("x").unwrap_err().is_terminal());
/// assert!(port("0").unwrap_err().is_terminal());
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failure(Box<Inner>);

// On the heap, so that a `Result` in every signature stays small.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Inner {
    message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<Fault>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    terminal: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that no further attempt can mend: the step's remaining retries are not used.
    pub fn terminal(error: impl Into<Failure>) -> Failure {
        let mut failure = error.into();
        failure.0.terminal = true;
        failure
    }

    /// A failure after which the other side wants to be left alone: the next attempt of the step is not sooner, however
    /// short its `retry_delay` is.
    pub fn after(error: impl Into<Failure>, pause: Duration) -> Failure {
        let mut failure = error.into();
        failure.0.retry_after = Some(pause);
        failure
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The causes, nearest first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// What the engine reported, where it was the engine.
    pub fn fault(&self) -> Option<&Fault> {
        self.0.fault.as_ref()
    }

    /// Whether further attempts are pointless.
    pub fn is_terminal(&self) -> bool {
        self.0.terminal || self.fault().is_some_and(Fault::is_terminal)
    }

    /// How long no further attempt is to be made, where that was said.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

// `Failure` is no `std::error::Error`, so this does not overlap with `impl From<T> for T`.
impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Failure {
        let error = error.into();
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        let failure = Failure(Box::new(Inner {
            message: error.to_string(),
            causes,
            fault: error.downcast_ref::<Fault>().cloned(),
            terminal: false,
            retry_after: None,
        }));
        #[cfg(feature = "agents")]
        let failure = failure.judged_by_model(error.downcast_ref());
        failure
    }
}

#[cfg(feature = "agents")]
impl Failure {
    fn judged_by_model(mut self, error: Option<&super::ModelError>) -> Failure {
        if let Some(error) = error {
            self.0.terminal = super::Classify::is_terminal(error);
            self.0.retry_after = error.retry_after();
        }
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// The message and its causes, so that `fn main() -> sagewai::Result<()>` prints something readable.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        for cause in self.causes() {
            write!(f, "\n  caused by: {cause}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_mark_keeps_the_chain_and_the_fault() {
        let parse = "x".parse::<u8>().unwrap_err();
        assert_eq!(
            Failure::from(parse).message(),
            "invalid digit found in string"
        );
        let fault = Fault::Rejected {
            gate: "review".into(),
            reason: "too long".into(),
            reviewer: "ann".into(),
        };
        let failure = Failure::from(fault.clone());
        assert_eq!(failure.fault(), Some(&fault));
        assert!(failure.is_terminal());
        let stored = serde_json::to_string(&failure).unwrap();
        assert_eq!(serde_json::from_str::<Failure>(&stored).unwrap(), failure);
    }
}
