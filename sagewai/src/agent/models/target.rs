//! Where one call goes: what an agent declares, and what the worker puts in its place.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::{ModelName, Provider};
use crate::agent::chat::Dialect;
use crate::credentials::{InferenceParams, Secret, WorkerCredentials};
use crate::error::{ModelError, ModelErrorKind};
use crate::model::Invalid;

/// The longest time for a whole answer, where nobody says.
const TIMEOUT: Duration = Duration::from_mins(5);
/// The longest time in which nothing of a streamed answer comes.
const IDLE: Duration = Duration::from_mins(1);
/// The longest time for a whole stream, where nobody says.
const STREAM: Duration = Duration::from_mins(30);
/// The most tokens of an answer where nobody says; sent in any case, because one dialect wants a number.
const MAX_TOKENS: u32 = 4_096;

/// What an agent says about a model.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) model: ModelName,
    pub(crate) params: InferenceParams,
}

/// Where one call goes, and with which parameters.
#[derive(Clone)]
pub struct CallTarget {
    model: ModelName,
    base: Option<Url>,
    params: InferenceParams,
}

impl CallTarget {
    /// A call of this model with these parameters, and nothing of any worker.
    ///
    /// # Errors
    /// [`Invalid`] where the model is served at an address that only its user knows, and none is given.
    pub fn new(model: ModelName, params: InferenceParams) -> Result<CallTarget, Invalid> {
        let base = params.get_api_base().or(model.provider().base());
        let base = base.and_then(|base| Url::parse(base).ok());
        if base.is_none() && !model.provider().is_scripted() {
            let reason = "its address is not known; give `api_base`";
            return Err(Invalid::new("model", &model.to_string(), reason));
        }
        Ok(CallTarget {
            base: base.map(|base| versioned(base, model.provider())),
            model,
            params,
        })
    }

    /// The model.
    pub fn model(&self) -> &ModelName {
        &self.model
    }

    /// How it is asked.
    pub fn params(&self) -> &InferenceParams {
        &self.params
    }

    /// How its provider speaks.
    pub fn dialect(&self) -> Dialect {
        self.model.provider().dialect()
    }

    pub(super) fn key(&self) -> Option<&Secret> {
        self.params.get_api_key()
    }

    pub(super) fn max_tokens(&self) -> u32 {
        self.params.get_max_tokens().unwrap_or(MAX_TOKENS)
    }

    /// The longest time for a whole answer.
    pub fn timeout(&self) -> Duration {
        self.params.get_timeout().unwrap_or(TIMEOUT)
    }

    /// The longest time for a whole stream.
    pub(super) fn stream_timeout(&self) -> Duration {
        self.params.get_timeout().unwrap_or(STREAM)
    }

    /// The longest time in which nothing of a streamed answer comes.
    pub fn idle_timeout(&self) -> Duration {
        self.timeout().min(IDLE)
    }

    /// The address of an operation of the provider.
    pub(super) fn url(&self, path: &str) -> Option<Url> {
        let mut url = self.base.clone()?;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(path.split('/'));
        Some(url)
    }

    pub(super) fn error(&self, kind: ModelErrorKind, message: impl Into<String>) -> ModelError {
        ModelError::new(kind, self.model.to_string(), message)
    }
}

/// An address without a path is that of the server: the interface stands below `v1`.
fn versioned(mut base: Url, provider: Provider) -> Url {
    let is_anthropic = provider.dialect() == Dialect::Anthropic;
    let lacks = match base.path().trim_matches('/') {
        "" => true,
        path => is_anthropic && !path.ends_with("v1"),
    };
    if lacks && let Ok(mut path) = base.path_segments_mut() {
        path.pop_if_empty().push("v1");
    }
    base
}

impl fmt::Debug for CallTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallTarget")
            .field("model", &self.model.to_string())
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

/// Where a call of this agent goes on a worker. The first that is set: the worker's model for this agent
/// (`agent:<name>`), its model in the place of the declared one, its model for all (`default`), the declared one. Then
/// the worker's parameters, field by field, over the agent's.
///
/// A model that is put in the place of one of another provider is not reached by what was declared for that one: its
/// address, its key and its headers stay behind.
pub(crate) fn resolve(
    agent: &str,
    declared: &Declared,
    worker: Option<&WorkerCredentials>,
) -> Result<CallTarget, Invalid> {
    let name = worker.and_then(|worker| {
        let (short, whole) = (declared.model.model(), declared.model.to_string());
        [&format!("agent:{agent}"), &whole, short, "default"]
            .into_iter()
            .find_map(|of| worker.model(of))
    });
    let model: ModelName = match name {
        Some(name) => name.parse()?,
        None => declared.model.clone(),
    };
    let mut params = declared.params.clone();
    if model.provider() != declared.model.provider() {
        params = params.without_access();
    }
    if let Some(worker) = worker {
        params = params.overridden_by(worker.inference());
    }
    CallTarget::new(model, params)
}

#[cfg(test)]
mod tests;
