//! What a language model could not do.

use std::fmt;
use std::time::Duration;

use super::Classify;

/// Why a call of a model failed. What is worth another attempt is told from what is not, because that decides
/// whether a step is retried.
///
/// Its text never holds a key, a prompt or a body. `?` takes it into a [`Failure`](crate::Failure) that keeps
/// [whether it is terminal](Classify::is_terminal) and [when to try again](ModelError::retry_after).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError(Box<Inner>);

// On the heap, so that results stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: ModelErrorKind,
    model: String,
    message: String,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelErrorKind {
    /// Too many requests for now. Retryable.
    RateLimited,
    /// The provider has too much to do. Retryable.
    Overloaded,
    /// No answer, or nothing more of it, in time. Retryable.
    Timeout,
    /// The provider could not be reached. Retryable.
    Connect,
    /// The provider failed. Retryable.
    Server,
    /// The answer is not what this dialect says. Retryable: it is often a proxy that answered.
    BadResponse,
    /// The answer broke off. Retryable, and never a short answer.
    Truncated,
    /// The key is missing, wrong, or may not do this. Terminal.
    Auth,
    /// Nothing is left of what was paid for. Terminal.
    Quota,
    /// The conversation is longer than the model takes. Terminal.
    ContextLength,
    /// The provider refuses the request as it is. Terminal.
    InvalidRequest,
    /// The provider refuses the content. Terminal.
    ContentFilter,
}

impl ModelErrorKind {
    /// Whether another attempt cannot help.
    pub fn is_terminal(self) -> bool {
        use ModelErrorKind::{Auth, ContentFilter, ContextLength, InvalidRequest, Quota};
        matches!(
            self,
            Auth | Quota | ContextLength | InvalidRequest | ContentFilter
        )
    }

    fn words(self) -> &'static str {
        match self {
            ModelErrorKind::RateLimited => "takes no more requests for now",
            ModelErrorKind::Overloaded => "is overloaded",
            ModelErrorKind::Timeout => "did not answer in time",
            ModelErrorKind::Connect => "cannot be reached",
            ModelErrorKind::Server => "failed on the provider's side",
            ModelErrorKind::BadResponse => "gave an answer that cannot be read",
            ModelErrorKind::Truncated => "broke off its answer",
            ModelErrorKind::Auth => "refuses the key",
            ModelErrorKind::Quota => "has no quota left",
            ModelErrorKind::ContextLength => "takes no conversation that long",
            ModelErrorKind::InvalidRequest => "refuses the request",
            ModelErrorKind::ContentFilter => "refuses the content",
        }
    }
}

impl ModelError {
    /// A failure of the model of this name. `message` says more, where there is more to say.
    pub fn new(
        kind: ModelErrorKind,
        model: impl Into<String>,
        message: impl Into<String>,
    ) -> ModelError {
        ModelError(Box::new(Inner {
            kind,
            model: model.into(),
            message: message.into(),
            status: None,
            code: None,
            request_id: None,
            retry_after: None,
        }))
    }

    /// With the HTTP status.
    pub fn with_status(mut self, status: u16) -> ModelError {
        self.0.status = Some(status);
        self
    }

    /// With the provider's own word for it.
    pub fn with_code(mut self, code: impl Into<String>) -> ModelError {
        self.0.code = Some(code.into());
        self
    }

    /// With the number by which the provider knows the request.
    pub fn with_request_id(mut self, id: impl Into<String>) -> ModelError {
        self.0.request_id = Some(id.into());
        self
    }

    /// With how long the provider wants to be left alone.
    pub fn with_retry_after(mut self, pause: Duration) -> ModelError {
        self.0.retry_after = Some(pause);
        self
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> ModelErrorKind {
        self.0.kind
    }

    /// The model that was asked.
    pub fn model(&self) -> &str {
        &self.0.model
    }

    /// The HTTP status, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The provider's own word for it.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The number by which the provider knows the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the provider wants to be left alone: the next attempt of a step is not sooner.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl Classify for ModelError {
    fn is_terminal(&self) -> bool {
        self.0.kind.is_terminal()
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            model,
            message,
            status,
            code,
            request_id,
            retry_after,
        } = &*self.0;
        write!(f, "model `{model}` {}", kind.words())?;
        let status = status.map(|status| status.to_string());
        let id = request_id.as_ref().map(|id| format!("request {id}"));
        let known: Vec<String> = [status, code.clone(), id].into_iter().flatten().collect();
        if !known.is_empty() {
            write!(f, " ({})", known.join(", "))?;
        }
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        if let Some(pause) = retry_after {
            write!(f, "; it asks to be left alone for {pause:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ModelError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Failure;

    #[test]
    fn failure_keeps_what_decides_about_retries() {
        let limited = ModelError::new(ModelErrorKind::RateLimited, "openai/gpt-4o", "")
            .with_status(429)
            .with_retry_after(Duration::from_secs(7));
        let failure = Failure::from(limited);
        assert!(!failure.is_terminal());
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(
            failure.message(),
            "model `openai/gpt-4o` takes no more requests for now (429); it asks to be left alone for 7s"
        );
        let refused = ModelError::new(ModelErrorKind::Auth, "openai/gpt-4o", "");
        assert!(Failure::from(refused).is_terminal());
    }
}
