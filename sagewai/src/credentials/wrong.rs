//! What is wrong with credentials.

use super::Secret;

/// Something in a worker's credentials that cannot be used. It names what is wrong and the rule, and shows numbers
/// only: any text may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be used: {reason}")]
pub struct WrongCredentials {
    /// Which field: `temperature`, `api_base`.
    pub what: &'static str,
    /// The rule it breaks.
    pub reason: String,
}

impl WrongCredentials {
    pub(super) fn new(what: &'static str, reason: impl Into<String>) -> WrongCredentials {
        WrongCredentials {
            what,
            reason: reason.into(),
        }
    }
}

/// A number between these two, both included.
pub(super) fn within(
    what: &'static str,
    value: f64,
    least: f64,
    most: f64,
) -> Result<f64, WrongCredentials> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let reason = format!("it is {value}, and goes from {least} to {most}");
    Err(WrongCredentials::new(what, reason))
}

/// A name that people choose: of a model, an environment variable, a parameter.
pub(super) fn name(what: &'static str, name: String) -> Result<String, WrongCredentials> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        "it holds white space or a control character"
    } else {
        return Ok(name);
    };
    Err(WrongCredentials::new(what, reason))
}

/// A value that goes into a line of a protocol.
pub(super) fn one_line(what: &'static str, secret: Secret) -> Result<Secret, WrongCredentials> {
    let text = secret.expose();
    let reason = if text.trim().is_empty() {
        "it is empty; leave it out where there is none"
    } else if text.chars().any(char::is_control) {
        "it holds a control character, a line break perhaps"
    } else {
        return Ok(secret);
    };
    Err(WrongCredentials::new(what, reason))
}
