//! A function as an agent.

use std::fmt;
use std::sync::Arc;

use crate::agent::asking::{Agent, Asked, asked_by_chat};
use crate::agent::place::Place;
use crate::agent::reply::{Reply, Spent};
use crate::error::Result;
use crate::model::{Json, digest};
use crate::workflow::spec::{BoxFuture, StepSpec};

type Body = dyn Fn(String) -> BoxFuture<'static, Result<String>> + Send + Sync;

/// A function as an agent: for what needs no model between agents that do, and for tests. In a workflow a call of it is a
/// checkpoint like that of a step, without retries.
pub fn from_fn<F>(
    name: impl Into<String>,
    body: impl Fn(String) -> F + Send + Sync + 'static,
) -> FnAgent
where
    F: Future<Output = Result<String>> + Send + 'static,
{
    FnAgent {
        name: name.into(),
        body: Arc::new(move |input| Box::pin(body(input))),
    }
}

/// What [`from_fn`] makes.
#[derive(Clone)]
pub struct FnAgent {
    name: String,
    body: Arc<Body>,
}

impl Agent for FnAgent {
    fn name(&self) -> &str {
        &self.name
    }

    fn respond(&self, asked: Asked, place: Place) -> BoxFuture<'_, Result<Reply>> {
        Box::pin(async move {
            let digest = digest(&Json::encode(&asked.input)?);
            let body = self.body.clone();
            let body = Arc::new(move || body(asked.input.clone()));
            let spec = StepSpec::new("call", "sagewai::agent", &[], "(String) -> String");
            let place = place.inside(&format!("agent:{}", self.name));
            let text = place.call("call", spec, digest, body).await?;
            Ok(Reply::new(text, Spent::default()))
        })
    }
}

impl fmt::Debug for FnAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FnAgent").field(&self.name).finish()
    }
}

asked_by_chat! { FnAgent }
