//! What a worker brings along for the steps that it executes.

use std::collections::BTreeMap;
use std::fmt;

use super::wrong::{WrongCredentials, name};
use super::{InferenceParams, Secret};

/// What a worker brings along for the steps that it executes: which models take the place of others, how they are
/// reached, and values that would otherwise stand in the environment. So the same workflow runs against a local model on
/// one worker and against a provider on another.
///
/// They live in the worker's process only: nothing of them is stored, logged, or handed to other workers. Steps read
/// them by [`worker_credentials`](crate::worker_credentials).
///
/// ```
/// use sagewai::{InferenceParams, WorkerCredentials};
///
/// # fn doc() -> Result<(), sagewai::WrongCredentials> {
/// let local = WorkerCredentials::new()
///     .model_override("default", "ollama/llama3.2")?
///     .inference_overrides(InferenceParams::new().api_base("http://localhost:11434")?)
///     .env_override("SEARCH_TOKEN", "t-123")?;
/// assert_eq!(local.model("default"), Some("ollama/llama3.2"));
/// # Ok(()) }
/// # doc().unwrap();
/// ```
#[derive(Clone, Default)]
pub struct WorkerCredentials {
    pub(super) models: BTreeMap<String, String>,
    pub(super) inference: InferenceParams,
    pub(super) env: BTreeMap<String, Secret>,
}

impl WorkerCredentials {
    /// No overrides.
    pub fn new() -> WorkerCredentials {
        WorkerCredentials::default()
    }

    /// Puts a model in the place of another: `agent:<name>` for one agent, the name of a model wherever it is asked for,
    /// `default` for all others.
    ///
    /// # Errors
    /// [`WrongCredentials`] where a name is empty or holds white space.
    pub fn model_override(
        mut self,
        of: impl Into<String>,
        model: impl Into<String>,
    ) -> Result<Self, WrongCredentials> {
        let of = name("model override", of.into())?;
        self.models.insert(of, name("model", model.into())?);
        Ok(self)
    }

    /// How all models are reached and asked; merged, field by field, over what was set before.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a builder takes what it is given"
    )]
    pub fn inference_overrides(mut self, params: InferenceParams) -> Self {
        self.inference = self.inference.overridden_by(&params);
        self
    }

    /// A value that steps would otherwise look for in the environment. The environment of the process is neither read
    /// nor changed: steps ask by [`env`](WorkerCredentials::env).
    ///
    /// # Errors
    /// [`WrongCredentials`] where the name is empty, or holds white space or `=`.
    pub fn env_override(
        mut self,
        variable: impl Into<String>,
        value: impl Into<Secret>,
    ) -> Result<Self, WrongCredentials> {
        let variable = name("environment variable", variable.into())?;
        if variable.contains('=') {
            let reason = "its name holds `=`";
            return Err(WrongCredentials::new("environment variable", reason));
        }
        self.env.insert(variable, value.into());
        Ok(self)
    }

    /// The model in the place of this one, by exactly this name.
    pub fn model(&self, of: &str) -> Option<&str> {
        self.models.get(of).map(String::as_str)
    }

    /// All models in the place of others.
    pub fn models(&self) -> &BTreeMap<String, String> {
        &self.models
    }

    /// How models are reached and asked.
    pub fn inference(&self) -> &InferenceParams {
        &self.inference
    }

    /// The value in the place of a variable of the environment; none where this worker does not override it.
    pub fn env(&self, variable: &str) -> Option<&Secret> {
        self.env.get(variable)
    }
}

/// Shows which models and variables are overridden, and no values.
impl fmt::Debug for WorkerCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerCredentials")
            .field("model_overrides", &self.models.keys())
            .field("inference_overrides", &self.inference)
            .field("env_overrides", &self.env.keys())
            .finish()
    }
}
