//! How a request is written.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::agent::chat::{AssistantMessage, ChatRequest, Dialect, Message, OutputSchema, ToolCall};
use crate::agent::models::CallTarget;
use crate::agent::models::http::WithExtra;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<Value>,
}

pub(super) fn body(
    to: &CallTarget,
    request: &ChatRequest,
    stream: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut messages = Vec::new();
    if let Some(system) = system(request) {
        messages.push(raw(&json!({"role": "system", "content": system}))?);
    }
    for message in &request.messages {
        write(message, &mut messages)?;
    }
    // The provider's newer models refuse the older name, which is the only one that other servers know.
    let is_own = matches!(to.model().provider().as_str(), "openai" | "azure");
    let params = to.params();
    let tools = request.tools.iter().map(|tool| {
        json!({"type": "function", "function": {
            "name": tool.name, "description": tool.description, "parameters": tool.parameters,
        }})
    });
    let body = Body {
        model: to.model().model(),
        messages,
        max_tokens: (!is_own).then(|| to.max_tokens()),
        max_completion_tokens: is_own.then(|| to.max_tokens()),
        temperature: params.get_temperature(),
        top_p: params.get_top_p(),
        presence_penalty: params.get_presence_penalty(),
        frequency_penalty: params.get_frequency_penalty(),
        tools: tools.collect(),
        response_format: request.output.as_ref().map(|output| {
            json!({"type": "json_schema", "json_schema": {
                "name": output.name, "schema": output.schema,
            }})
        }),
        stream,
        stream_options: stream.then(|| json!({"include_usage": true})),
    };
    serde_json::to_vec(&WithExtra {
        body,
        extra: params.get_extra(),
    })
}

/// Servers that do not know `response_format` ignore it, so the words say it too.
fn system(request: &ChatRequest) -> Option<String> {
    let output = request.output.as_ref().map(OutputSchema::instruction);
    let parts: Vec<String> = [request.system.clone(), output]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

fn write(message: &Message, into: &mut Vec<Box<RawValue>>) -> Result<(), serde_json::Error> {
    match message {
        Message::User(text) => into.push(raw(&json!({"role": "user", "content": text}))?),
        Message::Assistant(said) => into.push(match said.raw_for(Dialect::OpenAi) {
            Some(text) => RawValue::from_string(text.to_owned())?,
            None => raw(&plain(said))?,
        }),
        Message::Tools(results) => {
            for result in results {
                into.push(raw(&json!({
                    "role": "tool", "tool_call_id": result.id, "content": result.content,
                }))?);
            }
        }
    }
    Ok(())
}

/// A message as this dialect has it, out of another one or out of pieces.
pub(super) fn plain(said: &AssistantMessage) -> Value {
    let mut message = json!({"role": "assistant", "content": said.text});
    if !said.tool_calls.is_empty() {
        if said.text.is_empty() {
            message["content"] = Value::Null;
        }
        message["tool_calls"] = said.tool_calls.iter().map(call).collect();
    }
    message
}

fn call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {
        "name": call.name, "arguments": call.arguments,
    }})
}

fn raw(value: &Value) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::value::to_raw_value(value)
}
