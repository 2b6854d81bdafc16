//! How an answer is read.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::agent::chat::{
    AssistantMessage, ChatReply, Dialect, Finish, RawMessage, ToolCall, Usage,
};
use crate::agent::models::http::{Broken, ProviderFault, Unreadable};

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    model: String,
    content: Box<RawValue>,
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
}

/// What a call used. In a stream the parts come one after the other.
#[derive(Deserialize, Clone, Copy, Default)]
pub(super) struct Tokens {
    #[serde(default, rename = "input_tokens")]
    pub(super) input: Option<u64>,
    #[serde(default, rename = "output_tokens")]
    pub(super) output: Option<u64>,
    #[serde(default, rename = "cache_read_input_tokens")]
    pub(super) cached: Option<u64>,
    #[serde(default, rename = "cache_creation_input_tokens")]
    pub(super) cache_written: Option<u64>,
}

impl Tokens {
    /// Those of the cache are not among the input here.
    pub(super) fn usage(self) -> Usage {
        let cached = self.cached.unwrap_or_default();
        let cache_written = self.cache_written.unwrap_or_default();
        let input = self.input.unwrap_or_default();
        Usage {
            input: input.saturating_add(cached).saturating_add(cache_written),
            output: self.output.unwrap_or_default(),
            cached,
            cache_written,
            reasoning: 0,
        }
    }
}

/// A part of what is said. Of those that are not known, only the text as it was written is kept.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
        input: Value,
    },
    #[serde(other)]
    Other,
}

pub(super) fn read(body: &[u8]) -> Result<ChatReply, Broken> {
    if let Some(fault) = ProviderFault::read(body) {
        return Err(Broken::Fault(fault));
    }
    let body: Body = serde_json::from_slice(body)?;
    let message = message(body.content.get())?;
    Ok(ChatReply {
        finish: finish(body.stop_reason.as_deref(), &message)?,
        message,
        usage: body.usage.map(Tokens::usage),
        model: body.model,
        request_id: None,
    })
}

/// A message out of its blocks, as text.
pub(super) fn message(blocks: &str) -> Result<AssistantMessage, Broken> {
    let parsed: Vec<Block> = serde_json::from_str(blocks)?;
    let mut message = AssistantMessage::default();
    for block in parsed {
        match block {
            Block::Text { text } => message.text.push_str(&text),
            Block::ToolUse { id, name, input } => message.tool_calls.push(ToolCall {
                id,
                name,
                arguments: input.to_string(),
            }),
            Block::Other => {}
        }
    }
    message.raw = Some(RawMessage {
        dialect: Dialect::Anthropic,
        json: blocks.to_owned(),
    });
    Ok(message)
}

/// Why it ended. An answer that does not say may have ended anywhere.
pub(super) fn finish(reason: Option<&str>, said: &AssistantMessage) -> Result<Finish, Broken> {
    match reason {
        Some("refusal") => Err(Broken::Fault(ProviderFault::refusal("refusal"))),
        Some("max_tokens") => Ok(Finish::Length),
        Some(_) if !said.tool_calls.is_empty() => Ok(Finish::Tools),
        Some(_) => Ok(Finish::Stop),
        None => Err(Unreadable("it does not say why it ended".to_owned()).into()),
    }
}
