//! How a streamed answer is put together.

use serde::Deserialize;

use super::reply::{Tokens, finish};
use super::request::plain;
use crate::agent::chat::{AssistantMessage, ChatReply, Dialect, RawMessage, ToolCall, Usage};
use crate::agent::models::http::{Assembler, Broken, Piece, ProviderFault, Unreadable};

/// What has come of an answer.
#[derive(Default)]
pub(super) struct Answer {
    message: AssistantMessage,
    finish: Option<String>,
    usage: Option<Usage>,
    model: String,
    refused: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    index: Option<usize>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Function,
}

#[derive(Deserialize, Default)]
struct Function {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

/// More calls in one answer are a mistake.
const CALLS_MAX: usize = 256;

impl Assembler for Answer {
    fn take(&mut self, data: &str) -> Result<Piece, Broken> {
        if data == "[DONE]" {
            return self.done();
        }
        if let Some(fault) = ProviderFault::read(data.as_bytes()) {
            return Err(Broken::Fault(fault));
        }
        let chunk: Chunk = serde_json::from_str(data)?;
        self.usage = chunk.usage.map(Tokens::usage).or(self.usage);
        if let Some(model) = chunk.model {
            self.model = model;
        }
        let Some(choice) = chunk.choices.into_iter().next() else {
            return Ok(Piece::Nothing);
        };
        self.finish = choice.finish_reason.or(self.finish.take());
        self.refused |= choice.delta.refusal.is_some();
        for call in choice.delta.tool_calls.unwrap_or_default() {
            self.grow(call)?;
        }
        match choice.delta.content {
            Some(text) if !text.is_empty() => {
                self.message.text.push_str(&text);
                Ok(Piece::Text(text))
            }
            _ => Ok(Piece::Nothing),
        }
    }
}

impl Answer {
    /// Adds to the call of this number, or begins it.
    fn grow(&mut self, call: Call) -> Result<(), Broken> {
        let calls = &mut self.message.tool_calls;
        let index = match call.index {
            Some(index) => index,
            // Without numbers, one that has a name is a new one.
            None if call.function.name.is_some() => calls.len(),
            None => calls.len().saturating_sub(1),
        };
        if index > calls.len() || index >= CALLS_MAX {
            return Err(Unreadable("its tool calls are not in order".to_owned()).into());
        }
        if index == calls.len() {
            calls.push(ToolCall {
                id: format!("call_{index}"),
                name: String::new(),
                arguments: String::new(),
            });
        }
        let held = &mut calls[index];
        if let Some(id) = call.id.filter(|id| !id.is_empty()) {
            held.id = id;
        }
        held.name.push_str(&call.function.name.unwrap_or_default());
        let arguments = call.function.arguments.unwrap_or_default();
        held.arguments.push_str(&arguments);
        Ok(())
    }

    fn done(&mut self) -> Result<Piece, Broken> {
        if self.refused {
            return Err(Broken::Fault(ProviderFault::refusal("refusal")));
        }
        let mut message = std::mem::take(&mut self.message);
        let finish = finish(self.finish.as_deref(), !message.tool_calls.is_empty())?;
        message.raw = Some(RawMessage {
            dialect: Dialect::OpenAi,
            json: plain(&message).to_string(),
        });
        Ok(Piece::Done(Box::new(ChatReply {
            message,
            finish,
            usage: self.usage,
            model: std::mem::take(&mut self.model),
            request_id: None,
        })))
    }
}
