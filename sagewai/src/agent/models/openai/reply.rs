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
    model: Option<String>,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    message: Box<RawValue>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
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
    id: Option<String>,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// What a call used.
#[derive(Deserialize)]
pub(super) struct Tokens {
    #[serde(rename = "prompt_tokens")]
    input: u64,
    #[serde(default, rename = "completion_tokens")]
    output: u64,
    #[serde(default, rename = "prompt_tokens_details")]
    of_input: Option<Details>,
    #[serde(default, rename = "completion_tokens_details")]
    of_output: Option<Details>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl Tokens {
    pub(super) fn usage(self) -> Usage {
        let input = self.of_input.unwrap_or_default();
        let output = self.of_output.unwrap_or_default();
        Usage {
            input: self.input,
            output: self.output,
            cached: input.cached_tokens.unwrap_or_default(),
            cache_written: 0,
            reasoning: output.reasoning_tokens.unwrap_or_default(),
        }
    }
}

pub(super) fn read(body: &[u8]) -> Result<ChatReply, Broken> {
    if let Some(fault) = ProviderFault::read(body) {
        return Err(Broken::Fault(fault));
    }
    let body: Body = serde_json::from_slice(body)?;
    let Some(Choice {
        message,
        finish_reason,
    }) = body.choices.into_iter().next()
    else {
        return Err(Unreadable("it has no choice".to_owned()).into());
    };
    let said: Said = serde_json::from_str(message.get())?;
    let calls = said.tool_calls.unwrap_or_default();
    if said.refusal.is_some() || (said.content.is_none() && calls.is_empty()) {
        refused(finish_reason.as_deref(), said.refusal.is_some())?;
    }
    let tool_calls: Vec<ToolCall> = calls.into_iter().enumerate().map(call).collect();
    Ok(ChatReply {
        finish: finish(finish_reason.as_deref(), !tool_calls.is_empty())?,
        message: AssistantMessage {
            text: said.content.unwrap_or_default(),
            tool_calls,
            raw: Some(RawMessage {
                dialect: Dialect::OpenAi,
                json: message.get().to_owned(),
            }),
        },
        usage: body.usage.map(Tokens::usage),
        model: body.model.unwrap_or_default(),
        request_id: None,
    })
}

fn call((number, call): (usize, Call)) -> ToolCall {
    ToolCall {
        // Some servers give none.
        id: call.id.unwrap_or_else(|| format!("call_{number}")),
        name: call.function.name,
        arguments: match call.function.arguments {
            Value::String(text) => text,
            // Some servers write them out.
            other => other.to_string(),
        },
    }
}

/// An answer that says nothing: refused, or not an answer.
fn refused(finish: Option<&str>, in_words: bool) -> Result<(), Broken> {
    match finish {
        _ if in_words => Err(Broken::Fault(ProviderFault::refusal("refusal"))),
        Some("content_filter") => Err(Broken::Fault(ProviderFault::refusal("content_filter"))),
        Some("length") => Ok(()),
        _ => Err(Unreadable("it has neither text nor tools".to_owned()).into()),
    }
}

/// Why it ended. An answer that does not say may have ended anywhere.
pub(super) fn finish(reason: Option<&str>, wants_tools: bool) -> Result<Finish, Broken> {
    match reason {
        Some("length") => Ok(Finish::Length),
        Some("content_filter") => Err(Broken::Fault(ProviderFault::refusal("content_filter"))),
        Some(_) if wants_tools => Ok(Finish::Tools),
        Some(_) => Ok(Finish::Stop),
        None => Err(Unreadable("it does not say why it ended".to_owned()).into()),
    }
}
