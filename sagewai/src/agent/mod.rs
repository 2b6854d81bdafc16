//! Agents: models, tools, and what is made of them.
//!
//! An agent asks a model, runs the tools that the model asks for, and answers. Inside a `#[workflow]` each of these calls
//! is a checkpoint of its own; anywhere else they are plain calls. See [`UniversalAgent`] for one model with its tools,
//! [`SequentialAgent`], [`ParallelAgent`], [`ConditionalAgent`] and [`LoopAgent`] for several agents put together, and
//! [`ChatModel`] for what is asked.

mod asking;
pub(crate) mod chat;
mod compose;
mod digest;
pub(crate) mod models;
mod place;
mod reply;
mod tool;
mod universal;

pub use schemars;

pub use self::asking::{Agent, AnyAgent, Asked, Chat, ChatJson};
pub use self::chat::{
    AssistantMessage, ChatDelta, ChatReply, ChatRequest, Dialect, Finish, Message, OutputSchema,
    RawMessage, ReplyStream, ToolCall, ToolResult, ToolSchema, Usage,
};
pub use self::compose::{
    ConditionalAgent, ConditionalAgentBuilder, FnAgent, LoopAgent, LoopAgentBuilder, ParallelAgent,
    ParallelAgentBuilder, SequentialAgent, SequentialAgentBuilder, from_fn,
};
pub use self::models::{
    CallTarget, ChatModel, Cost, HttpModel, ModelName, Price, Prices, Provider, RecordedModel,
    ScriptedModel,
};
pub use self::place::Place;
pub use self::reply::{Reply, Spent};
pub use self::tool::{Tool, ToolArguments, ToolFn, tool};
pub use self::universal::{AgentEvent, AgentEventKind, UniversalAgent, UniversalAgentBuilder};
pub use crate::error::{ModelError, ModelErrorKind};
