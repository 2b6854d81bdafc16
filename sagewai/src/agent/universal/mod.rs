//! An agent of one model and its tools.

mod builder;
mod events;
mod model_call;
mod span;
mod turns;

use std::fmt;
use std::sync::Arc;

pub use self::builder::UniversalAgentBuilder;
pub(super) use self::builder::agent_name;
use self::events::Listener;
pub use self::events::{AgentEvent, AgentEventKind};
use super::asking::{Agent, Asked, asked_by_chat};
use super::models::{ChatModel, Declared, Prices};
use super::place::Place;
use super::reply::Reply;
use super::tool::Tool;
use crate::error::Result;
use crate::workflow::spec::{BoxFuture, StepSpec};

/// An agent of one model and its tools: it asks the model, runs the tools that the model asks for, tells it what they
/// gave, and so on until the model answers.
///
/// Cloned, it is the same agent. Keep it where it lives long, in a `static` for instance, because its connections live
/// with it:
///
/// ```
/// use std::sync::LazyLock;
///
/// use sagewai::agent::UniversalAgent;
/// use sagewai::prelude::*;
///
/// static WRITER: LazyLock<UniversalAgent> = LazyLock::new(|| {
///     UniversalAgent::builder("writer")
///         .model("gpt-4o")
///         .system_prompt("You write short articles.")
///         .build()
///         .expect("the model has a name")
/// });
///
/// #[workflow]
/// async fn article(topic: String) -> Result<String> {
///     let draft = WRITER.chat(format!("Write about {topic}.")).await?;
///     Ok(draft.into_text())
/// }
/// ```
///
/// Which model it asks, where and with which key, is decided anew for each call, by the
/// [credentials of the worker](crate::WorkerCredentials) that makes it.
#[derive(Clone)]
pub struct UniversalAgent(Arc<Inner>);

struct Inner {
    name: String,
    system: Option<String>,
    /// The model, and those that are asked in its place when it fails.
    models: Vec<Declared>,
    client: Arc<dyn ChatModel>,
    prices: Prices,
    tools: Vec<Tool>,
    iterations: u32,
    /// How a call of a model is retried.
    spec: StepSpec,
    listener: Option<Listener>,
    streams: bool,
}

impl UniversalAgent {
    /// Describes an agent. Its name is that of its checkpoints.
    pub fn builder(name: impl Into<String>) -> UniversalAgentBuilder {
        UniversalAgentBuilder::new(name.into())
    }
}

impl Agent for UniversalAgent {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn respond(&self, asked: Asked, place: Place) -> BoxFuture<'_, Result<Reply>> {
        Box::pin(turns::respond(self, asked, place))
    }
}

impl fmt::Debug for UniversalAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models = self
            .0
            .models
            .iter()
            .map(|declared| declared.model.to_string());
        f.debug_struct("UniversalAgent")
            .field("name", &self.0.name)
            .field("models", &models.collect::<Vec<_>>())
            .field("tools", &self.0.tools)
            .finish_non_exhaustive()
    }
}

asked_by_chat! { UniversalAgent }
