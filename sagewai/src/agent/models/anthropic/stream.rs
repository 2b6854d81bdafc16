//! How a streamed answer is put together.

use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{Tokens, finish, message};
use crate::agent::chat::ChatReply;
use crate::agent::models::http::{Assembler, Broken, Piece, ProviderFault, Unreadable};

/// What has come of an answer.
#[derive(Default)]
pub(super) struct Answer {
    /// As they will stand in the message.
    blocks: Vec<Value>,
    /// The input of a tool, as far as it has come.
    inputs: Vec<String>,
    stop: Option<String>,
    tokens: Option<Tokens>,
    model: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        index: usize,
        content_block: Value,
    },
    ContentBlockDelta {
        index: usize,
        delta: Delta,
    },
    MessageDelta {
        delta: Stop,
        #[serde(default)]
        usage: Option<Tokens>,
    },
    MessageStop,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    model: String,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Stop {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(other)]
    Other,
}

impl Assembler for Answer {
    fn take(&mut self, data: &str) -> Result<Piece, Broken> {
        if let Some(fault) = ProviderFault::read(data.as_bytes()) {
            return Err(Broken::Fault(fault));
        }
        match serde_json::from_str(data)? {
            Event::MessageStart { message } => {
                self.model = message.model;
                self.tokens = message.usage;
            }
            Event::ContentBlockStart {
                index,
                content_block,
            } => {
                if index != self.blocks.len() {
                    return Err(disordered());
                }
                self.blocks.push(content_block);
                self.inputs.push(String::new());
            }
            Event::ContentBlockDelta { index, delta } => return self.grow(index, delta),
            Event::MessageDelta { delta, usage } => {
                self.stop = delta.stop_reason.or(self.stop.take());
                if let Some(usage) = usage {
                    let held = self.tokens.get_or_insert_default();
                    held.input = usage.input.or(held.input);
                    held.output = usage.output.or(held.output);
                    held.cached = usage.cached.or(held.cached);
                    held.cache_written = usage.cache_written.or(held.cache_written);
                }
            }
            Event::MessageStop => return self.done(),
            Event::Other => {}
        }
        Ok(Piece::Nothing)
    }
}

impl Answer {
    fn grow(&mut self, index: usize, delta: Delta) -> Result<Piece, Broken> {
        let Some(block) = self.blocks.get_mut(index) else {
            return Err(disordered());
        };
        match delta {
            Delta::Text { text } => {
                append(block, "text", &text);
                return Ok(Piece::Text(text));
            }
            Delta::InputJson { partial_json } => self.inputs[index].push_str(&partial_json),
            Delta::Thinking { thinking } => append(block, "thinking", &thinking),
            Delta::Signature { signature } => append(block, "signature", &signature),
            Delta::Other => {}
        }
        Ok(Piece::Nothing)
    }

    fn done(&mut self) -> Result<Piece, Broken> {
        for (block, input) in self.blocks.iter_mut().zip(&self.inputs) {
            if !input.is_empty() {
                block["input"] = serde_json::from_str(input)?;
            }
        }
        let message = message(&json!(self.blocks).to_string())?;
        Ok(Piece::Done(Box::new(ChatReply {
            finish: finish(self.stop.as_deref(), &message)?,
            message,
            usage: self.tokens.map(Tokens::usage),
            model: std::mem::take(&mut self.model),
            request_id: None,
        })))
    }
}

/// Adds to a text of a block.
fn append(block: &mut Value, field: &str, text: &str) {
    let held = block.get(field).and_then(Value::as_str).unwrap_or_default();
    let grown = format!("{held}{text}");
    if let Some(block) = block.as_object_mut() {
        block.insert(field.to_owned(), grown.into());
    }
}

fn disordered() -> Broken {
    Unreadable("its blocks are not in order".to_owned()).into()
}
