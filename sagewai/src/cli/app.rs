//! What a binary has to say about itself.

use std::fmt;
use std::sync::Arc;

use super::resolve::WorkerSettings;
use super::served::{AnyWorkflow, Typed};
use crate::error::Result;
use crate::worker::WorkerBuilder;
use crate::workflow::WorkflowFn;

type SetUp = dyn Fn(WorkerBuilder, &WorkerSettings) -> Result<WorkerBuilder> + Send + Sync;

/// A binary with workflows in it: what [`run`](super::run) makes a command line of.
#[must_use = "an app does nothing until it is run"]
#[derive(Clone)]
pub struct App {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) about: Option<String>,
    pub(super) workflows: Vec<Arc<dyn AnyWorkflow>>,
    set_up: Vec<Arc<SetUp>>,
}

impl App {
    /// An app of this name, which help and messages use for the program.
    pub fn new(name: impl Into<String>) -> App {
        App {
            name: name.into(),
            version: None,
            about: None,
            workflows: Vec::new(),
            set_up: Vec::new(),
        }
    }

    /// Its version, for `--version`: `env!("CARGO_PKG_VERSION")`, say.
    pub fn version(mut self, version: impl Into<String>) -> App {
        self.version = Some(version.into());
        self
    }

    /// What it is for, in a sentence.
    pub fn about(mut self, about: impl Into<String>) -> App {
        self.about = Some(about.into());
        self
    }

    /// A workflow that its worker serves and that it can start: pass the function itself.
    pub fn workflow<Arguments, F: WorkflowFn<Arguments>>(mut self, _workflow: F) -> App {
        self.workflows.push(Arc::new(Typed::<F::Workflow>::new()));
        self
    }

    /// Sets up the worker beyond its flags, just before it starts: credentials, schedules, what to do on reminders. It
    /// gets what flags, environment and file say, and is called after they are applied, so what it sets wins.
    ///
    /// ```
    /// use sagewai::WorkerCredentials;
    /// use sagewai::cli::App;
    ///
    /// let app = App::new("articles").worker(|worker, settings| {
    ///     let model = if settings.pool == "gpu" { "ollama/llama3.2" } else { "gpt-4o" };
    ///     Ok(worker.credentials(WorkerCredentials::new().model_override("default", model)?))
    /// });
    /// # let _ = app;
    /// ```
    pub fn worker(
        mut self,
        set_up: impl Fn(WorkerBuilder, &WorkerSettings) -> Result<WorkerBuilder> + Send + Sync + 'static,
    ) -> App {
        self.set_up.push(Arc::new(set_up));
        self
    }

    /// A builder that serves all workflows and was given to each hook.
    pub(super) fn set_up(
        &self,
        worker: WorkerBuilder,
        settings: &WorkerSettings,
    ) -> Result<WorkerBuilder> {
        let served = self.workflows.iter();
        let worker = served.fold(worker, |worker, workflow| workflow.serve(worker));
        let mut hooks = self.set_up.iter();
        hooks.try_fold(worker, |worker, hook| hook(worker, settings))
    }

    /// The workflow of this name.
    pub(super) fn find(&self, name: &str) -> Option<&Arc<dyn AnyWorkflow>> {
        let mut workflows = self.workflows.iter();
        workflows.find(|workflow| workflow.spec().name == name)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.workflows.iter().map(|w| w.spec().name).collect();
        f.debug_struct("App")
            .field("name", &self.name)
            .field("workflows", &names)
            .finish_non_exhaustive()
    }
}
