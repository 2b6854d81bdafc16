//! Where an agent is at work: in a workflow, where each of its calls is a checkpoint of its own, or anywhere else, where
//! they are plain calls. What an agent does is written once, over both.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::error::{Failure, Fault, Result};
use crate::model::{Decision, Json, Outcome};
use crate::workflow::durable::Durable;
use crate::workflow::erased::{Returned, StepBody, typed};
use crate::workflow::replay::{Came, Effect};
use crate::workflow::scope::Site;
use crate::workflow::spec::{BoxFuture, Payload, StepSpec};
use crate::workflow::{ApprovalGate, map, record};

/// Where an agent is at work.
#[derive(Debug, Clone)]
pub struct Place(Option<Site>);

/// One attempt of a call.
pub(super) type Body<T> = Arc<dyn Fn() -> BoxFuture<'static, T> + Send + Sync>;

impl Place {
    /// In a workflow, at this await.
    pub(super) fn run(at: Site) -> Place {
        Place(Some(at))
    }

    /// In a step, or outside of any workflow.
    pub(super) fn plain() -> Place {
        Place(None)
    }

    /// A part of this place, in which names are counted anew.
    pub(super) fn inside(&self, name: &str) -> Place {
        Place(self.0.as_ref().map(|at| {
            let position = at.position(name);
            at.scope.part(position.as_str()).at(at.site)
        }))
    }

    /// Makes a call: a checkpoint with retries and a time limit in a workflow, and a plain call elsewhere. `digest`
    /// stands for what is asked, so that a replay sees that it asks for something else.
    pub(super) async fn call<T: Payload>(
        &self,
        name: &str,
        spec: StepSpec,
        digest: i64,
        body: Body<Result<T>>,
    ) -> Result<T> {
        let Some(at) = &self.0 else {
            return body().await;
        };
        let attempt: Body<Returned> = Arc::new(move || {
            let body = body();
            Box::pin(async move { Returned::of(body.await, Failure::is_terminal) })
        });
        let came = operation(at, name, spec, digest, attempt).await;
        typed(at, came).await
    }

    /// Makes a call whose types are not known here.
    pub(super) async fn call_erased(
        &self,
        name: &str,
        spec: StepSpec,
        digest: i64,
        body: Body<Returned>,
    ) -> Outcome {
        match &self.0 {
            Some(at) => operation(at, name, spec, digest, body).await.outcome,
            None => body().await.outcome,
        }
    }

    /// What is computed once, and the same on every replay.
    pub(super) async fn record<T: Payload>(
        &self,
        name: &'static str,
        compute: impl FnOnce() -> T + Send,
    ) -> T {
        match &self.0 {
            Some(at) => record(name, compute).run(at.clone()).await,
            None => compute(),
        }
    }

    /// Waits for people, which only a workflow can.
    pub(super) async fn approved(&self, gate: ApprovalGate) -> Result<Decision, Asking> {
        match &self.0 {
            Some(at) => gate.run(at.clone()).await.map_err(Asking::Fault),
            None => Err(Asking::NoWorkflow),
        }
    }

    /// Does something with each item, all at once, and gives what it gave in their order.
    pub(super) async fn each<'a, I, T: Send + 'a>(
        &self,
        items: Vec<I>,
        work: impl Fn(I, Place) -> BoxFuture<'a, T> + Send + Sync,
    ) -> Vec<T>
    where
        I: Send + 'a,
    {
        let work = &work;
        match &self.0 {
            Some(at) => {
                let operation = |item| InPlace(move |place: Place| work(item, place));
                map(items, operation).run(at.clone()).await
            }
            None => join_all(items.into_iter().map(|item| work(item, Place::plain()))).await,
        }
    }
}

/// Why nobody was asked, or nobody said yes.
#[derive(Debug)]
pub(super) enum Asking {
    NoWorkflow,
    Fault(Fault),
}

async fn operation(
    at: &Site,
    name: &str,
    spec: StepSpec,
    digest: i64,
    body: Body<Returned>,
) -> Came {
    let effect = Effect::Step {
        asks: None,
        spec,
        input: Json::null(),
        body: StepBody::With(body),
    };
    let replay = at.replay().clone();
    replay.operation(at, name, digest, effect).await
}

/// Something that is done where a branch stands.
struct InPlace<F>(F);

#[diagnostic::do_not_recommend]
impl<'a, T: Send, F> Durable for InPlace<F>
where
    F: FnOnce(Place) -> BoxFuture<'a, T> + Send,
{
    type Output = T;
    async fn run(self, at: Site) -> T {
        (self.0)(Place::run(at)).await
    }
}
