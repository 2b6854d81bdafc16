//! How a request is written.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::agent::chat::{AssistantMessage, ChatRequest, Dialect, Message, OutputSchema};
use crate::agent::models::CallTarget;
use crate::agent::models::http::WithExtra;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    messages: Vec<Turn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Turn {
    role: &'static str,
    content: Box<RawValue>,
}

pub(super) fn body(
    to: &CallTarget,
    request: &ChatRequest,
    stream: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let output = request.output.as_ref().map(OutputSchema::instruction);
    let system: Vec<String> = [request.system.clone(), output]
        .into_iter()
        .flatten()
        .collect();
    let messages: Result<Vec<Turn>, _> = request.messages.iter().map(turn).collect();
    let params = to.params();
    let tools = request.tools.iter().map(|tool| {
        json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters})
    });
    let body = Body {
        model: to.model().model(),
        max_tokens: to.max_tokens(),
        system: (!system.is_empty()).then(|| system.join("\n\n")),
        messages: messages?,
        temperature: params.get_temperature(),
        top_p: params.get_top_p(),
        tools: tools.collect(),
        stream,
    };
    serde_json::to_vec(&WithExtra {
        body,
        extra: params.get_extra(),
    })
}

fn turn(message: &Message) -> Result<Turn, serde_json::Error> {
    let (role, content) = match message {
        Message::User(text) => ("user", to_raw_value(text)?),
        Message::Assistant(said) => {
            let content = match said.raw_for(Dialect::Anthropic) {
                Some(text) => RawValue::from_string(text.to_owned())?,
                None => to_raw_value(&plain(said))?,
            };
            ("assistant", content)
        }
        Message::Tools(results) => {
            let results: Vec<Value> = results
                .iter()
                .map(|result| {
                    json!({
                        "type": "tool_result", "tool_use_id": result.id,
                        "content": result.content, "is_error": result.is_error,
                    })
                })
                .collect();
            ("user", to_raw_value(&results)?)
        }
    };
    Ok(Turn { role, content })
}

/// What was said, as blocks of this dialect.
fn plain(said: &AssistantMessage) -> Vec<Value> {
    let text = (!said.text.is_empty()).then(|| json!({"type": "text", "text": said.text}));
    let calls = said.tool_calls.iter().map(|call| {
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
    });
    text.into_iter().chain(calls).collect()
}
