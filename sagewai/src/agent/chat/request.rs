//! What a model is asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Message;

/// One call of a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatRequest {
    /// What the model is told about its task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The tools that it may ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSchema>,
    /// The shape that the answer is to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputSchema>,
}

impl ChatRequest {
    /// A question without a history.
    pub fn new(question: impl Into<String>) -> ChatRequest {
        ChatRequest {
            messages: vec![Message::user(question)],
            ..ChatRequest::default()
        }
    }
}

/// A tool as a model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSchema {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// JSON Schema of its arguments, an object.
    pub parameters: Value,
}

/// The shape of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputSchema {
    /// Its name.
    pub name: String,
    /// Its JSON Schema.
    pub schema: Value,
}

impl OutputSchema {
    /// How a model is told that has no field for it; the answer is checked in any case.
    pub(crate) fn instruction(&self) -> String {
        format!(
            "Answer with one JSON value that fits this JSON Schema, and with nothing else: no words around it, no \
             code fence.\n{}",
            self.schema
        )
    }
}
