//! What a model answers.

use std::ops::{Add, AddAssign};
use std::pin::Pin;

use futures_util::Stream;
use serde::{Deserialize, Serialize};

use super::AssistantMessage;
use crate::error::ModelError;

/// A whole answer. One that broke off is an error, and never this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatReply {
    /// What it says.
    pub message: AssistantMessage,
    /// Why it ended there.
    pub finish: Finish,
    /// What it used; none where the provider does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The model that answered, as the provider names it; empty where it does not.
    #[serde(default)]
    pub model: String,
    /// The number by which the provider knows the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl ChatReply {
    /// An answer that is a text.
    pub fn text(text: impl Into<String>) -> ChatReply {
        ChatReply {
            message: AssistantMessage {
                text: text.into(),
                ..AssistantMessage::default()
            },
            finish: Finish::Stop,
            usage: None,
            model: String::new(),
            request_id: None,
        }
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finish {
    /// The model had said what it wanted to say.
    Stop,
    /// It wants tools.
    Tools,
    /// It had said as much as `max_tokens` allows.
    Length,
}

/// What a call used, counted in tokens, with the same meaning for every provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// All that went in.
    pub input: u64,
    /// All that came out.
    pub output: u64,
    /// What of the input was read from the provider's cache.
    pub cached: u64,
    /// What of the input was written to the provider's cache.
    pub cache_written: u64,
    /// What of the output was thought and not said.
    pub reasoning: u64,
}

impl Add for Usage {
    type Output = Usage;

    fn add(self, other: Usage) -> Usage {
        Usage {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cached: self.cached.saturating_add(other.cached),
            cache_written: self.cache_written.saturating_add(other.cache_written),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        *self = *self + other;
    }
}

/// A part of an answer that is on its way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ChatDelta {
    /// The next piece of text.
    Text(String),
    /// The whole answer; the last item of a stream that did not fail.
    Done(Box<ChatReply>),
}

/// An answer as it comes. It ends in [`ChatDelta::Done`] or in an error.
pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<ChatDelta, ModelError>> + Send>>;
