//! What is said in a conversation.

use serde::{Deserialize, Serialize};

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Message {
    /// What a person says, or the program in a person's place.
    User(String),
    /// What the model says.
    Assistant(AssistantMessage),
    /// What the tools gave that the model asked for, all of one turn.
    Tools(Vec<ToolResult>),
}

impl Message {
    /// What a person says.
    pub fn user(text: impl Into<String>) -> Message {
        Message::User(text.into())
    }

    /// What the model said, as a text: an earlier answer in a history, for instance.
    pub fn assistant(text: impl Into<String>) -> Message {
        Message::Assistant(AssistantMessage {
            text: text.into(),
            ..AssistantMessage::default()
        })
    }
}

/// What a model says in one turn.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AssistantMessage {
    /// Its text; empty where it only asks for tools.
    pub text: String,
    /// The tools that it asks for, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The message as the provider wrote it, which goes back to it unchanged: it may hold parts that only the provider
    /// understands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawMessage>,
}

impl AssistantMessage {
    /// What is to go back to a provider of this dialect unchanged.
    pub(crate) fn raw_for(&self, dialect: Dialect) -> Option<&str> {
        let raw = self.raw.as_ref().filter(|raw| raw.dialect == dialect);
        raw.map(|raw| raw.json.as_str())
    }
}

/// A message as a provider wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawMessage {
    /// Which providers understand it.
    pub dialect: Dialect,
    /// Its JSON text.
    pub json: String,
}

/// The two ways in which providers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dialect {
    /// `POST …/chat/completions`.
    OpenAi,
    /// `POST …/messages`.
    Anthropic,
}

/// A tool that the model asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The name by which the answer refers to this call.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// The arguments as the model wrote them: JSON, unless it made a mistake.
    pub arguments: String,
}

/// What a tool gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The call that it answers.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// The result, or what went wrong.
    pub content: String,
    /// Whether something went wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}
