//! A conversation with a model, in words that belong to no provider.

mod message;
mod reply;
mod request;

pub use message::{AssistantMessage, Dialect, Message, RawMessage, ToolCall, ToolResult};
pub use reply::{ChatDelta, ChatReply, Finish, ReplyStream, Usage};
pub use request::{ChatRequest, OutputSchema, ToolSchema};
