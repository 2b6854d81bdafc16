//! How an agent is described.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::events::Listener;
use super::{AgentEvent, Inner, UniversalAgent};
use crate::agent::models::{CallTarget, ChatModel, Declared, HttpModel, Prices, ScriptedModel};
use crate::agent::tool::{Tool, ToolFn};
use crate::credentials::InferenceParams;
use crate::model::Invalid;
use crate::workflow::spec::StepSpec;

/// Describes a [`UniversalAgent`]; [`build`](UniversalAgentBuilder::build) checks it.
#[must_use = "a description does nothing until it is built"]
pub struct UniversalAgentBuilder {
    name: String,
    system: Option<String>,
    models: Vec<String>,
    params: InferenceParams,
    client: Option<Arc<dyn ChatModel>>,
    prices: Prices,
    tools: Vec<Tool>,
    iterations: u32,
    spec: StepSpec,
    listener: Option<Listener>,
    streams: bool,
}

impl UniversalAgentBuilder {
    pub(super) fn new(name: String) -> UniversalAgentBuilder {
        UniversalAgentBuilder {
            name,
            system: None,
            models: Vec::new(),
            params: InferenceParams::new(),
            client: None,
            prices: Prices::default(),
            tools: Vec::new(),
            iterations: 10,
            spec: StepSpec {
                retries: 2,
                ..StepSpec::new("model", "sagewai::agent", &[], "(ChatRequest) -> ChatReply")
            },
            listener: None,
            streams: false,
        }
    }

    /// The model that it asks, by a [name](crate::agent::ModelName) such as `gpt-4o`, `claude-sonnet-4-5` or
    /// `ollama/llama3.2`.
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.models.insert(0, name.into());
        self
    }

    /// A model that is asked when the one before it has failed for good: its retries are used up, or it was refused.
    /// The conversation then stays with it. Given again, the models are asked in this order.
    pub fn fallback(mut self, name: impl Into<String>) -> Self {
        self.models.push(name.into());
        self
    }

    /// How the model is reached and asked: address, key, temperature, `top_p`, length. Merged over what was set before;
    /// a worker's own stand above them. An address and a key go to the provider of the first model alone.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a description takes what it is given"
    )]
    pub fn params(mut self, params: InferenceParams) -> Self {
        self.params = self.params.overridden_by(&params);
        self
    }

    /// What the model is told about its task.
    pub fn system_prompt(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// A tool that the model may ask for: the name of a function under `#[step]`, or a [`Tool`].
    pub fn tool<A>(mut self, tool: impl ToolFn<A>) -> Self {
        self.tools.push(tool.into_tool());
        self
    }

    /// How often the model is asked in one chat; 10 by default. An agent that has no answer by then fails.
    pub fn max_iterations(mut self, iterations: u32) -> Self {
        self.iterations = iterations;
        self
    }

    /// How many times a call of the model is made again when it failed in a way that may pass; 2 by default. Only in a
    /// workflow, as all retries.
    pub fn retries(mut self, retries: u32) -> Self {
        self.spec.retries = retries;
        self
    }

    /// The pause before the first retry, which doubles with each; one second by default. Where the provider asks for a
    /// longer one, it is kept.
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.spec.retry_delay = delay;
        self
    }

    /// The longest time that one attempt of a call of the model may take, whoever answers. A provider's own limit is
    /// [`InferenceParams::timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.spec.timeout = Some(limit);
        self
    }

    /// What the models cost, so that replies tell.
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Who answers, in place of the providers over HTTP.
    pub fn client(mut self, client: impl ChatModel) -> Self {
        self.client = Some(Arc::new(client));
        self
    }

    /// A script answers. The agent needs no model then.
    pub fn scripted(self, script: ScriptedModel) -> Self {
        self.client(script)
    }

    /// Hears what happens; see [`AgentEvent`].
    pub fn on_event(mut self, listener: impl Fn(&AgentEvent) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Asks for answers as streams, so that whoever listens hears them as they come.
    pub fn stream(mut self) -> Self {
        self.streams = true;
        self
    }

    /// The agent.
    ///
    /// # Errors
    /// [`Invalid`] where the name, a model, a tool or a number cannot be used.
    pub fn build(mut self) -> Result<UniversalAgent, Invalid> {
        agent_name(&self.name)?;
        if self.models.is_empty() {
            if self.client.as_ref().is_none_or(|client| client.is_remote()) {
                let reason = "it has no model; name one with `.model(..)`";
                return Err(Invalid::new("agent", &self.name, reason));
            }
            self.models.push("scripted/script".to_owned());
        }
        let client = self.client.unwrap_or_else(|| Arc::new(HttpModel::new()));
        let mut models: Vec<Declared> = Vec::new();
        for name in &self.models {
            let model: crate::agent::ModelName = name.parse()?;
            let of_first = models
                .first()
                .is_none_or(|f| f.model.provider() == model.provider());
            let params = if of_first {
                self.params.clone()
            } else {
                self.params.clone().without_access()
            };
            if client.is_remote() {
                if model.provider().is_scripted() {
                    let reason = "a scripted model is given with `.scripted(..)`";
                    return Err(Invalid::new("model", name, reason));
                }
                // The worker may give an address as well, and nothing else may be missing.
                let has_base = params.get_api_base().is_some() || model.provider().base().is_some();
                if has_base {
                    CallTarget::new(model.clone(), params.clone())?;
                }
            }
            models.push(Declared { model, params });
        }
        if self.iterations == 0 {
            let reason = "with 0 iterations the model would never be asked";
            return Err(Invalid::new("agent", &self.name, reason));
        }
        for (n, tool) in self.tools.iter().enumerate() {
            tool.check()?;
            if self.tools[..n]
                .iter()
                .any(|other| other.name() == tool.name())
            {
                let reason = "the agent has two tools of this name";
                return Err(Invalid::new("tool", tool.name(), reason));
            }
        }
        Ok(UniversalAgent(Arc::new(Inner {
            name: self.name,
            system: self.system,
            models,
            client,
            prices: self.prices,
            tools: self.tools,
            iterations: self.iterations,
            spec: self.spec,
            listener: self.listener,
            streams: self.streams,
        })))
    }
}

/// Checks the name of an agent: it becomes a part of positions.
pub(in crate::agent) fn agent_name(name: &str) -> Result<(), Invalid> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
    if name.is_empty() || name.len() > 60 || name.trim() != name || !name.chars().all(is_plain) {
        let reason = "take 1 to 60 letters, digits, `-`, `_` and spaces, with none at its ends";
        return Err(Invalid::new("agent", name, reason));
    }
    Ok(())
}

impl fmt::Debug for UniversalAgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UniversalAgentBuilder")
            .field("name", &self.name)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}
