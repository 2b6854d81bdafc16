//! A workflow by its name: started with arguments that are text.

use std::marker::PhantomData;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::{Error, Fault};
use crate::model::{Json, Label, RunId};
use crate::worker::WorkerBuilder;
use crate::workflow::{Graph, Payload, Workflow, WorkflowCall, WorkflowSpec};

/// How a run is to be queued; what is not said has the workflow's default.
#[derive(Debug, Default)]
pub(super) struct Queueing {
    pub(super) id: Option<String>,
    pub(super) pool: Option<String>,
    pub(super) labels: Vec<(String, Label)>,
    pub(super) priority: Option<i16>,
    pub(super) delay: Option<Duration>,
}

/// A run that was started, or attached to.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) run: RunId,
    pub(super) is_new: bool,
}

/// A workflow whose types are behind it.
#[async_trait]
pub(super) trait AnyWorkflow: Send + Sync {
    fn spec(&self) -> WorkflowSpec;

    fn graph(&self) -> &'static Graph;

    fn serve(&self, worker: WorkerBuilder) -> WorkerBuilder;

    /// Starts a run with these arguments, which are there by name.
    async fn start(&self, client: &Client, input: &Json, how: Queueing) -> Result<Begun, Error>;

    /// Waits until a run of it is over, and gives what it returned.
    async fn result(&self, client: &Client, run: &RunId) -> Result<Json, Error>;
}

pub(super) struct Typed<W>(PhantomData<fn() -> W>);

impl<W> Typed<W> {
    pub(super) fn new() -> Typed<W> {
        Typed(PhantomData)
    }
}

#[async_trait]
impl<W: Workflow> AnyWorkflow for Typed<W> {
    fn spec(&self) -> WorkflowSpec {
        W::SPEC
    }

    fn graph(&self) -> &'static Graph {
        W::GRAPH
    }

    fn serve(&self, worker: WorkerBuilder) -> WorkerBuilder {
        worker.serve::<W>()
    }

    async fn start(&self, client: &Client, input: &Json, how: Queueing) -> Result<Begun, Error> {
        let input = W::load(input).map_err(|fault| wrong::<W>(fault))?;
        let mut call = WorkflowCall::<W>::new(input);
        for (key, value) in how.labels {
            call = call.label(key, value);
        }
        if let Some(id) = how.id {
            call = call.run_id(id);
        }
        if let Some(pool) = how.pool {
            call = call.pool(pool);
        }
        if let Some(priority) = how.priority {
            call = call.priority(priority);
        }
        if let Some(delay) = how.delay {
            call = call.delay(delay);
        }
        let run = call.start(client).await?;
        Ok(Begun {
            run: run.id().clone(),
            is_new: run.is_new(),
        })
    }

    async fn result(&self, client: &Client, run: &RunId) -> Result<Json, Error> {
        let value = client.handle::<W>(run).await?.result().await?;
        value.store().map_err(|fault| wrong::<W>(fault))
    }
}

fn wrong<W: Workflow>(fault: Fault) -> Error {
    Error::Input {
        workflow: W::SPEC.name.to_owned(),
        fault,
    }
}

/// Arguments by name, checked against the names of the parameters; their types are checked when they are read.
pub(super) fn arguments(spec: &WorkflowSpec, text: &str) -> Result<Json, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        format!(
            "it is no JSON ({error}); write an object as in `{}`",
            example(spec)
        )
    })?;
    let Value::Object(given) = value else {
        return Err(format!(
            "it must be a JSON object keyed by parameter name, as in `{}`",
            example(spec)
        ));
    };
    for name in given.keys() {
        if !spec.params.contains(&name.as_str()) {
            let nearest = super::resolve::nearest(name, spec.params);
            return Err(format!(
                "`{}` has no parameter `{name}`{nearest}",
                spec.name
            ));
        }
    }
    Json::encode(&Value::Object(given)).map_err(|fault| fault.to_string())
}

/// Parameters that were not given: they read as null, which only an `Option` takes.
pub(super) fn missing(spec: &WorkflowSpec, given: &Json) -> Vec<&'static str> {
    let given: Map<String, Value> = given.decode().unwrap_or_default();
    let params = spec.params.iter().copied();
    params.filter(|name| !given.contains_key(*name)).collect()
}

fn example(spec: &WorkflowSpec) -> String {
    let params = spec.params.iter().map(|name| format!("\"{name}\": …"));
    format!("{{{}}}", params.collect::<Vec<_>>().join(", "))
}
