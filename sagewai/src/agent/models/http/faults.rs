//! What a provider says when it refuses or fails, and what kind of failure that is.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::agent::chat::{ChatRequest, Message};
use crate::agent::models::CallTarget;
use crate::credentials::Secret;
use crate::error::{ModelError, ModelErrorKind};

/// What a provider says about its failure.
#[derive(Debug, Default)]
pub(in crate::agent::models) struct ProviderFault {
    code: Option<String>,
    kind: Option<String>,
    message: Option<String>,
}

/// Both dialects put it into a field `error`, some servers as a mere text.
#[derive(Deserialize)]
struct Body {
    error: Value,
}

/// The longest of its words that are repeated.
const WORDS_MAX: usize = 300;
/// So many letters of a request in a message are a repetition of it.
const REPETITION: usize = 16;

impl ProviderFault {
    /// Reads it out of a body; nothing where there is none.
    pub(in crate::agent::models) fn read(body: &[u8]) -> Option<ProviderFault> {
        let Body { error } = serde_json::from_slice(body).ok()?;
        if error.is_null() {
            return None;
        }
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        Some(ProviderFault {
            code: text(error.get("code")),
            kind: text(error.get("type")),
            message: text(error.get("message")).or_else(|| text(Some(&error))),
        })
    }

    /// The model refused to answer.
    pub(in crate::agent::models) fn refusal(code: &str) -> ProviderFault {
        ProviderFault {
            code: Some(code.to_owned()),
            ..ProviderFault::default()
        }
    }

    /// Which kind of failure it is. A stream that has begun has no status any more.
    fn classify(&self, status: Option<StatusCode>) -> ModelErrorKind {
        let words = [&self.code, &self.kind, &self.message].map(Option::as_deref);
        let words = words.map(|word| word.unwrap_or_default().to_ascii_lowercase());
        let says = |any: &[&str]| {
            words
                .iter()
                .any(|word| any.iter().any(|part| word.contains(part)))
        };
        let names = |any: &[&str]| any.iter().any(|name| words[..2].iter().any(|w| w == name));
        let is = |status_code: u16| status.is_some_and(|status| status.as_u16() == status_code);
        let is_refused = status.is_none_or(|status| status.is_client_error());
        if is_refused
            && (is(402)
                || names(&["insufficient_quota", "billing_error", "billing_not_active"])
                || says(&["credit balance", "exceeded your current quota"]))
        {
            ModelErrorKind::Quota
        } else if is_refused
            && (names(&["context_length_exceeded", "request_too_large"])
                || says(&[
                    "prompt is too long",
                    "maximum context length",
                    "context window",
                ]))
        {
            ModelErrorKind::ContextLength
        } else if is_refused
            && names(&[
                "content_filter",
                "content_policy_violation",
                "content_filtered",
                "refusal",
            ])
        {
            ModelErrorKind::ContentFilter
        } else if names(&["overloaded_error", "overloaded"]) {
            ModelErrorKind::Overloaded
        } else if names(&["rate_limit_error", "rate_limit_exceeded"]) {
            ModelErrorKind::RateLimited
        } else {
            match status.map(|status| status.as_u16()) {
                Some(429) => ModelErrorKind::RateLimited,
                Some(401 | 403) => ModelErrorKind::Auth,
                Some(408 | 504) => ModelErrorKind::Timeout,
                Some(503 | 529) => ModelErrorKind::Overloaded,
                Some(409 | 425 | 500..) => ModelErrorKind::Server,
                Some(400..) => ModelErrorKind::InvalidRequest,
                Some(_) => ModelErrorKind::BadResponse,
                None if names(&[
                    "authentication_error",
                    "invalid_api_key",
                    "permission_error",
                ]) =>
                {
                    ModelErrorKind::Auth
                }
                None if names(&["invalid_request_error", "not_found_error"]) => {
                    ModelErrorKind::InvalidRequest
                }
                None => ModelErrorKind::Server,
            }
        }
    }

    /// The error that it is.
    pub(super) fn into_error(
        self,
        status: Option<StatusCode>,
        to: &CallTarget,
        request: &ChatRequest,
    ) -> ModelError {
        let kind = self.classify(status);
        let message = match &self.message {
            Some(message) if repeats(message, to, request) => {
                "its message repeats a part of the request and is left out".to_owned()
            }
            Some(message) => shortened(message),
            None => String::new(),
        };
        let mut error = to.error(kind, message);
        if let Some(status) = status {
            error = error.with_status(status.as_u16());
        }
        let is_word = |word: &String| {
            (1..=64).contains(&word.len())
                && word
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
                && !repeats(word, to, request)
        };
        match self.code.filter(is_word).or(self.kind.filter(is_word)) {
            Some(code) => error.with_code(code),
            None => error,
        }
    }
}

/// On one line, and not too long.
fn shortened(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    let line = words.join(" ").replace(char::is_control, " ");
    line.chars().take(WORDS_MAX).collect()
}

/// Whether something of the request stands in a text: the key, a header, what was said.
fn repeats(text: &str, to: &CallTarget, request: &ChatRequest) -> bool {
    let secrets = to
        .key()
        .into_iter()
        .chain(to.params().get_headers().values());
    let mut secrets = secrets.map(Secret::expose);
    if secrets.any(|secret| shares(text, secret, 8)) {
        return true;
    }
    let said = request.messages.iter().flat_map(|message| match message {
        Message::User(text) => vec![text.as_str()],
        Message::Assistant(said) => {
            let arguments = said.tool_calls.iter().map(|call| call.arguments.as_str());
            arguments.chain([said.text.as_str()]).collect()
        }
        Message::Tools(results) => results.iter().map(|r| r.content.as_str()).collect(),
    });
    let mut said = said.chain(request.system.as_deref());
    said.any(|said| shares(text, said, REPETITION))
}

/// Whether `text` holds all of `other`, or so many letters of it in a row.
fn shares(text: &str, other: &str, letters: usize) -> bool {
    if other.len() < 4 {
        return false;
    }
    if text.contains(other) {
        return true;
    }
    // Only as much of it is shown, and with something around it a cut may lie anywhere.
    let letters_of: Vec<(usize, char)> = text.char_indices().take(4 * WORDS_MAX).collect();
    let ends = letters_of.iter().map(|(at, _)| *at).skip(letters);
    let starts = letters_of.iter().map(|(at, _)| *at);
    starts.zip(ends.chain([text.len()])).any(|(from, to)| {
        text[from..to].chars().count() >= letters && other.contains(&text[from..to])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::InferenceParams;

    fn error(status: u16, body: &str, prompt: &str) -> ModelError {
        let params = InferenceParams::new().api_key("sk-canary-1234").unwrap();
        let to = CallTarget::new("gpt-4o".parse().unwrap(), params).unwrap();
        let fault = ProviderFault::read(body.as_bytes()).unwrap_or_default();
        let status = StatusCode::from_u16(status).unwrap();
        fault.into_error(Some(status), &to, &ChatRequest::new(prompt))
    }

    #[test]
    fn failures_are_told_apart_by_status_and_word() {
        use ModelErrorKind::*;
        for (status, body, kind) in [
            (429, "{}", RateLimited),
            (429, r#"{"error":{"code":"insufficient_quota"}}"#, Quota),
            (
                400,
                r#"{"error":{"code":"context_length_exceeded"}}"#,
                ContextLength,
            ),
            (
                400,
                r#"{"error":{"message":"prompt is too long: 9 tokens"}}"#,
                ContextLength,
            ),
            (400, r#"{"error":{"code":"content_filter"}}"#, ContentFilter),
            (
                400,
                r#"{"error":{"message":"Your credit balance is too low"}}"#,
                Quota,
            ),
            (400, r#"{"error":"no"}"#, InvalidRequest),
            (401, "{}", Auth),
            (403, "<html>", Auth),
            (404, "{}", InvalidRequest),
            (
                413,
                r#"{"error":{"type":"request_too_large"}}"#,
                ContextLength,
            ),
            (500, "{}", Server),
            (502, "<html>", Server),
            (503, "", Overloaded),
            (529, r#"{"error":{"type":"overloaded_error"}}"#, Overloaded),
            (302, "", BadResponse),
        ] {
            assert_eq!(error(status, body, "x").kind(), kind, "{status} {body}");
        }
    }

    #[test]
    fn texts_repeat_neither_key_nor_prompt() {
        let prompt = "the secret recipe of the house is salt";
        for message in [
            "Incorrect API key provided: sk-canary-1234",
            "bad key sk-canar…",
            "cannot parse 'recipe of the house is' here",
        ] {
            let body = serde_json::json!({"error": {"message": message, "code": "sk-canary-1234"}});
            let text = error(400, &body.to_string(), prompt).to_string();
            assert!(
                !text.contains("canar") && !text.contains("recipe"),
                "{text}"
            );
        }
        let told = error(
            400,
            r#"{"error":{"message":"max_tokens is\n too large"}}"#,
            prompt,
        );
        assert!(
            told.to_string().ends_with("max_tokens is too large"),
            "{told}"
        );
    }
}
