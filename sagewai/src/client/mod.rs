//! The door for everybody outside a workflow: start runs, await them, decide at gates.

mod balancer;
mod control;
mod gates;
mod handle;
mod in_place;
mod places;
#[cfg(feature = "schedules")]
mod schedules;
mod signals;
mod start;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod start_in;
mod states;
mod status;
mod workers;

use std::fmt;

use crate::error::Error;
use crate::model::{Child, Journal, Run, RunFilter, RunId};
use crate::store::AnyStore;
use crate::workflow::Workflow;

pub use balancer::{RoutingConstraints, WorkerLoadBalancer};
pub use gates::{ApproveCall, GateHandle, Gates, Standing};
pub use handle::RunHandle;
pub use in_place::Settled;
pub use places::Place;
#[cfg(feature = "schedules")]
pub use schedules::{Backfill, Schedules};
pub use signals::SignalCall;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use start_in::StartIn;
pub use states::StateAt;
pub(crate) use status::driver_of;
pub use status::{Status, StepState, StepStatus};
pub use workers::{Unserved, WorkerView, Workers};

/// Talks to a store: cheap to make and to clone, from any process.
///
/// ```
/// # use sagewai::Client;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> sagewai::Result<()> {
/// let store = sagewai::store::open("memory:").await?;
/// let client = Client::new(&store);
/// assert!(client.runs(&sagewai::RunFilter::new()).await?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) store: AnyStore,
}

impl Client {
    /// A client of this store.
    pub fn new(store: impl Into<AnyStore>) -> Client {
        Client {
            store: store.into(),
        }
    }

    /// A handle to a run of workflow `W`, by its id alone: to await it, to look at it, to make it go on.
    ///
    /// # Errors
    /// [`Error::NoRun`], and [`Error::OtherWorkflow`] where it is a run of another one.
    pub async fn handle<W: Workflow>(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
    ) -> Result<RunHandle<W>, Error> {
        let id = run.try_into().map_err(Into::into)?;
        let run = self.find(&id).await?;
        if run.workflow != W::SPEC.name {
            return Err(Error::OtherWorkflow {
                run: id,
                expected: W::SPEC.name.to_owned(),
                found: run.workflow,
            });
        }
        Ok(RunHandle::new(self.clone(), id))
    }

    /// A gate of a run, to decide at it. Neither needs to be there yet but the run.
    ///
    /// # Errors
    /// None here: what is wrong with the names is said by the decision.
    pub fn gate(&self, run: impl Into<String>, gate: impl Into<String>) -> GateHandle {
        GateHandle::new(self.clone(), run.into(), gate.into())
    }

    /// All gates: what is asked of people.
    pub fn gates(&self) -> Gates {
        Gates::new(self.clone())
    }

    /// Runs that a run has started, in the order of their start.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::Store`].
    pub async fn children(&self, run: &RunId) -> Result<Vec<Child>, Error> {
        let found = self.store.messages(run).await?;
        let found = found.ok_or_else(|| Error::NoRun { run: run.clone() })?;
        Ok(found.children)
    }

    /// Where a run stands, and what each of its steps has done. None where there is no such run.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id that cannot be one, [`Error::Store`].
    pub async fn status(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
    ) -> Result<Option<Status>, Error> {
        let id = run.try_into().map_err(Into::into)?;
        status::of(&self.store, &id).await
    }

    /// All that a run has left: checkpoints with their payloads, events, gates.
    ///
    /// # Errors
    /// [`Error::NoRun`], [`Error::Store`].
    pub async fn journal(&self, run: &RunId) -> Result<Journal, Error> {
        let found = self.store.journal(run).await?;
        found.ok_or_else(|| Error::NoRun { run: run.clone() })
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<Run>, Error> {
        Ok(self.store.runs(filter).await?)
    }

    pub(crate) async fn find(&self, id: &RunId) -> Result<Run, Error> {
        let found = self.store.run(id).await?;
        found.ok_or_else(|| Error::NoRun { run: id.clone() })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// An id that is one already cannot be wrong.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Error {
        match never {}
    }
}
