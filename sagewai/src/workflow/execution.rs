//! A body over its run: polled by a driver, which does what it asks for and gives it what it waits for.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use super::context::WorkflowContext;
use super::erased::Returned;
use super::registry::Definition;
use super::replay::{Identity, Replay, Request, Source, Stopped};
use super::scope::Scope;
use super::spec::BoxFuture;
use super::watch::Watch;
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
    scope: Scope,
    watch: Watch,
}

impl Execution {
    /// A body that has not been polled, over what its run has recorded.
    pub(crate) fn new(
        definition: &Definition,
        identity: Identity,
        input: &Json,
        recorded: impl IntoIterator<Item = NewCheckpoint>,
    ) -> Execution {
        let source = Source {
            module: definition.module,
            graph: definition.graph,
        };
        let replay = Arc::new(Replay::new(identity, source, recorded));
        let scope = Scope::root(replay.clone());
        let context = WorkflowContext::new(&replay);
        Execution {
            body: (definition.body)(context, scope.clone(), input),
            replay,
            scope,
            watch: Watch::new(),
        }
    }

    /// Gives the body what it waits for; it is told at the next poll. Says whether it does wait for it.
    pub(crate) fn resolve(&self, position: &Position, outcome: Outcome) -> bool {
        self.replay.resolve(position, outcome)
    }

    /// Lets the body go on as far as it can. Returns also which operations it no longer waits for.
    ///
    /// What is recorded comes first, one outcome at a time: nothing is executed before the body has asked for all of
    /// it, so a step that was renamed or inserted shows as a checkpoint that nobody wants.
    pub(crate) fn poll(&mut self) -> (Progress, Vec<Position>) {
        let mut polled = self.poll_body();
        while matches!(polled, Ok(Poll::Pending)) && self.replay.resolve_next() {
            polled = self.poll_body();
        }
        let found = self.replay.look();
        let stopped = match &polled {
            _ if found.foreign.is_some() => Stopped::Foreign,
            Ok(Poll::Pending) => Stopped::Waits,
            Ok(Poll::Ready(_)) => Stopped::Returned,
            Err(message) => Stopped::Panicked(message.clone()),
        };
        let diverged = found.diverged.or_else(|| self.replay.unreached(&stopped));
        if let Some(reason) = diverged {
            return (Progress::Diverged(reason), found.abandoned);
        }
        let progress = match (found.foreign, polled) {
            (Some(fault), _) => Progress::Returned(Returned::fault(fault)),
            (None, Ok(Poll::Ready(returned))) => Progress::Returned(returned),
            (None, Ok(Poll::Pending)) => Progress::Waits(self.replay.take_requests()),
            (None, Err(message)) => Progress::Returned(Returned::fault(Fault::Panicked {
                message: format!("the workflow body: {message}"),
            })),
        };
        (progress, found.abandoned)
    }

    fn poll_body(&mut self) -> Result<Poll<Returned>, String> {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let _in_body = InBody::enter();
            self.watch.poll(self.body.as_mut(), &self.scope)
        }));
        polled.map_err(|panic| panic_text(&*panic))
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
