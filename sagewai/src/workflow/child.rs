//! A workflow that a workflow runs: a run of its own.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::durable::Durable;
use super::erased::typed;
use super::replay::{Came, Effect};
use super::scope::Site;
use super::spec::{BoxFuture, Workflow};
use super::timeout::{Timeout, timeout};
use super::workflow_call::WorkflowCall;
use crate::error::{Error, Fault, StepError};
use crate::model::{Json, NewRun, OnParentEnd, Outcome, Parent, Position, RunId, digest};

/// Runs another workflow as a run of its own, with its own id, steps, retries and timeline, on whatever worker serves
/// it. This run sleeps meanwhile. Awaited, it gives what the child returned, or its typed error. Without options, awaiting
/// the call itself does the same: `report(day).await`.
///
/// The child's id follows from this run's id and the position, unless [`run_id`](WorkflowCall::run_id) says otherwise;
/// its pool is this run's, unless the call names one. Each side knows the other: [`Run::header`](crate::Run) and
/// [`Client::children`](crate::Client::children).
///
/// ```
/// # use sagewai::prelude::*;
/// #[workflow]
/// async fn shout(word: String) -> Result<String> {
///     Ok(word.to_uppercase())
/// }
///
/// #[workflow]
/// async fn greet(name: String) -> Result<String> {
///     // Both go on at once.
///     let hello = child(shout("hello".to_owned())).start().await?;
///     let name = child(shout(name)).await?;
///     Ok(format!("{} {name}", hello.result().await?))
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// # let client = Client::new(&store);
/// # let worker = WorkflowWorker::builder(&store).workflow(shout).workflow(greet).start().await?;
/// let run = greet("Ann".to_owned()).start(&client).await?;
/// assert_eq!(run.result().await?, "HELLO ANN");
/// # worker.shutdown().await?;
/// # Ok(()) }
/// ```
pub fn child<W: Workflow>(call: WorkflowCall<W>) -> ChildCall<W> {
    ChildCall {
        call,
        on_end: OnParentEnd::default(),
    }
}

/// What [`child`] returns: await it, or [`start`](ChildCall::start) it and await the result later.
#[must_use = "a child does not run unless it is awaited or started"]
pub struct ChildCall<W: Workflow> {
    call: WorkflowCall<W>,
    on_end: OnParentEnd,
}

impl<W: Workflow> ChildCall<W> {
    /// What becomes of the child when this run ends first, in whatever way, or stops waiting for it, because its branch
    /// has lost a race for instance: it is cancelled by default.
    pub fn on_parent_end(mut self, then: OnParentEnd) -> ChildCall<W> {
        self.on_end = then;
        self
    }

    /// Starts the child and goes on; its result can be awaited later.
    pub fn start(self) -> ChildStart<W> {
        ChildStart(self)
    }

    /// How long this run waits for the result at most: then it gives [`Fault::TimedOut`], and the child is cancelled
    /// unless it is to be abandoned.
    pub fn timeout(self, limit: Duration) -> Timeout<ChildCall<W>> {
        let what = format!("child:{}", W::SPEC.name);
        timeout(limit, what, self)
    }
}

#[diagnostic::do_not_recommend]
impl<W: Workflow> Durable for ChildCall<W> {
    type Output = Result<W::Output, W::Error>;
    async fn run(self, at: Site) -> Self::Output {
        let (position, new) = self.describe(&at);
        match start(&at, &position, new).await {
            Ok(run) => typed(&at, ended(&at, position, run).await).await,
            Err(fault) => Err(W::Error::from_fault(fault)),
        }
    }
}

/// A call of a workflow, awaited in a workflow: [`child`] without options.
#[diagnostic::do_not_recommend]
impl<W: Workflow> Durable for WorkflowCall<W> {
    type Output = Result<W::Output, W::Error>;
    async fn run(self, at: Site) -> Self::Output {
        child(self).run(at).await
    }
}

/// What [`ChildCall::start`] returns; await it.
#[must_use = "a child is not started unless this is awaited"]
pub struct ChildStart<W: Workflow>(ChildCall<W>);

#[diagnostic::do_not_recommend]
impl<W: Workflow> Durable for ChildStart<W> {
    type Output = Result<ChildHandle<W>, Fault>;
    async fn run(self, at: Site) -> Self::Output {
        let (position, new) = self.0.describe(&at);
        let run = start(&at, &position, new).await?;
        Ok(ChildHandle {
            run,
            position,
            workflow: PhantomData,
        })
    }
}

/// A child that was started.
#[must_use = "the child is cancelled when this run ends; await its `result()`, or abandon it with `on_parent_end`"]
pub struct ChildHandle<W> {
    run: RunId,
    position: Position,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> ChildHandle<W> {
    /// The child's id.
    pub fn run_id(&self) -> &RunId {
        &self.run
    }

    /// What the child returned, or its typed error; await it.
    pub fn result(self) -> ChildResult<W> {
        ChildResult(self)
    }
}

/// What [`ChildHandle::result`] returns; await it.
#[must_use = "nothing is waited for unless this is awaited"]
pub struct ChildResult<W>(ChildHandle<W>);

impl<W: Workflow> ChildResult<W> {
    /// How long this run waits for the result at most; see [`ChildCall::timeout`].
    pub fn timeout(self, limit: Duration) -> Timeout<ChildResult<W>> {
        let what = format!("child:{}", W::SPEC.name);
        timeout(limit, what, self)
    }
}

#[diagnostic::do_not_recommend]
impl<W: Workflow> Durable for ChildResult<W> {
    type Output = Result<W::Output, W::Error>;
    async fn run(self, at: Site) -> Self::Output {
        let ChildHandle { run, position, .. } = self.0;
        typed(&at, ended(&at, position, run).await).await
    }
}

impl<W: Workflow> ChildCall<W> {
    /// The position at which its result will stand, and the run that it is.
    fn describe(self, at: &Site) -> (Position, Result<NewRun, Fault>) {
        let position = at.position(&format!("child:{}", W::SPEC.name));
        let parent = &at.replay().identity;
        let header = Parent {
            run: parent.id.clone(),
            position: position.clone(),
            on_end: self.on_end,
        };
        let id = child_id(&parent.id, &position);
        let new = self.call.child_submission(id, &parent.pool, header);
        let new = new.map_err(|error| match error {
            Error::Input { fault, .. } => fault,
            other => Fault::Encode {
                reason: other.to_string(),
            },
        });
        (position, new)
    }
}

/// An id that follows from the parent's id and the position.
fn child_id(parent: &RunId, position: &Position) -> RunId {
    let spelled = format!("{parent}/{position}");
    RunId::new(spelled.clone()).unwrap_or_else(|_| {
        let hash = uuid_of(&spelled);
        // A UUID is a legal id.
        RunId::new(format!("child-{hash}")).unwrap_or_else(|_| RunId::generate())
    })
}

fn uuid_of(text: &str) -> uuid::Uuid {
    let hash = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Starts the child, or finds that it was started. Compiled once for all workflows.
fn start<'a>(
    at: &'a Site,
    position: &Position,
    new: Result<NewRun, Fault>,
) -> BoxFuture<'a, Result<RunId, Fault>> {
    let position = position.started();
    Box::pin(async move {
        let new = new?;
        let digest = digest(&new.input);
        let effect = Effect::Start(Box::new(new));
        let came = at
            .replay()
            .operation_at(at, position.clone(), digest, effect);
        let Came { outcome, replayed } = came.await;
        match outcome {
            Outcome::Ok(json) => match json.decode() {
                Ok(id) => Ok(id),
                Err(fault) => {
                    if replayed.is_some() {
                        at.replay().unreadable(at, &position, &fault).await;
                    }
                    Err(fault)
                }
            },
            Outcome::Err(json) => json.decode().and_then(Err),
            Outcome::Fault(fault) => Err(fault),
        }
    })
}

/// Waits for the child.
async fn ended(at: &Site, position: Position, run: RunId) -> Came {
    let digest = Json::encode(run.as_str()).as_ref().map_or(0, digest);
    let effect = Effect::Child { run };
    at.replay().operation_at(at, position, digest, effect).await
}

macro_rules! debugs {
    ($($name:ident)*) => { $(
        impl<W: Workflow> fmt::Debug for $name<W> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), W::SPEC.name)
            }
        }
    )* };
}
debugs! { ChildCall ChildStart ChildHandle ChildResult }
