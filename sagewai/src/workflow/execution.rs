//! A body over its run: polled by a driver, which does what it asks for and gives it what it waits for.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::context::WorkflowContext;
use super::erased::{Returned, WorkflowBody};
use super::replay::{Identity, Replay, Request};
use super::scope::Scope;
use super::spec::BoxFuture;
use crate::error::Fault;
use crate::model::{Json, NewCheckpoint, Outcome, Position};

thread_local! {
    static IN_BODY: Cell<bool> = const { Cell::new(false) };
}

/// Whether a workflow body is being polled on this thread. Steps run on tasks of their own, so a step that is
/// awaited now is awaited where `#[workflow]` does not see it.
pub(crate) fn in_body() -> bool {
    IN_BODY.get()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "something that is no text".to_owned())
}

/// How far a body has come.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It has returned.
    Returned(Returned),
    /// It waits for these new operations, or for earlier ones.
    Waits(Vec<Request>),
    /// It does not fit what the run holds. Nothing was asked for.
    Diverged(String),
}

/// A body and the memory of its run.
pub(crate) struct Execution {
    body: BoxFuture<'static, Returned>,
    replay: Arc<Replay>,
    /// Whether everything that was recorded has been given to the body.
    replayed: bool,
}

impl Execution {
    /// A body that has not been polled, over what its run has recorded.
    pub(crate) fn new(
        body: WorkflowBody,
        identity: Identity,
        input: &Json,
        recorded: impl IntoIterator<Item = NewCheckpoint>,
    ) -> Execution {
        let replay = Arc::new(Replay::new(identity, recorded));
        let scope = Scope::root(replay.clone());
        Execution {
            body: body(WorkflowContext::new(&replay), scope, input),
            replay,
            replayed: false,
        }
    }

    /// Gives the body what it waits for; it is told at the next poll.
    pub(crate) fn resolve(&self, position: &Position, outcome: Outcome) {
        self.replay.resolve(position, outcome);
    }

    /// Lets the body go on as far as it can. Returns also which operations it no longer waits for.
    pub(crate) fn poll(&mut self) -> (Progress, Vec<Position>) {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let _in_body = InBody::enter();
            // Whoever resolves an operation polls again, so nobody needs to be woken.
            self.body
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        }));
        let asked = self.replay.take_asked();
        if let Some(reason) = asked.diverged {
            return (Progress::Diverged(reason), asked.abandoned);
        }
        // Nothing is executed before the body has asked for all that was recorded: a step that was renamed or
        // inserted shows as a checkpoint that nobody wants.
        if !self.replayed {
            self.replayed = true;
            if let Some(position) = self.replay.first_unasked() {
                let asks = match (&polled, asked.requests.first()) {
                    (_, Some(request)) => format!("asks for `{}` instead", request.position),
                    (Ok(Poll::Ready(_)), None) => "ends without it".to_owned(),
                    _ => "does not ask for it".to_owned(),
                };
                let reason = format!("the run holds `{position}`, and the code {asks}");
                return (Progress::Diverged(reason), asked.abandoned);
            }
        }
        let progress = match polled {
            Ok(Poll::Ready(returned)) => Progress::Returned(returned),
            Ok(Poll::Pending) if asked.waits_for == 0 => {
                Progress::Returned(Returned::fault(Fault::ForeignAwait {
                    after: asked.last.map(|position| position.as_str().to_owned()),
                }))
            }
            Ok(Poll::Pending) => Progress::Waits(asked.requests),
            Err(panic) => Progress::Returned(Returned::fault(Fault::Panicked {
                message: format!("the workflow body: {}", panic_text(&*panic)),
            })),
        };
        (progress, asked.abandoned)
    }
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("run", &self.replay.identity.id)
            .finish_non_exhaustive()
    }
}

/// Marks this thread while a body is polled, also when it panics.
struct InBody(bool);

impl InBody {
    fn enter() -> InBody {
        InBody(IN_BODY.replace(true))
    }
}

impl Drop for InBody {
    fn drop(&mut self) {
        IN_BODY.set(self.0);
    }
}
