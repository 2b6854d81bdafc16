//! Seeing what runs do: lists, timelines, and why a run that is not over does not go on.

mod why;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::client::{Client, Status};
use crate::error::Error;
use crate::model::{Driver, Outcome, Run, RunFilter, RunId, RunState, TimelineEntry};
use crate::store::AnyStore;
use crate::workflow::erased::error_text;

pub use why::{Why, WhyCode};

/// Looks at the runs of a store, from any process.
///
/// ```
/// use sagewai::prelude::*;
/// use sagewai::{RunFilter, RunState, WorkflowMonitor};
///
/// # #[workflow]
/// # async fn greet(name: String) -> Result<String> { Ok(format!("hello {name}")) }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// greet("Ann".into()).run_id("greet-1").start(&Client::new(&store)).await?;
///
/// let monitor = WorkflowMonitor::new(&store);
/// let pending = monitor.list_executions(&RunFilter::new().state(RunState::Pending)).await?;
/// assert_eq!(pending[0].id.as_str(), "greet-1");
/// for entry in monitor.get_execution_timeline("greet-1").await?.unwrap_or_default() {
///     println!("{} {}", entry.at, entry.what.word());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct WorkflowMonitor {
    client: Client,
}

impl WorkflowMonitor {
    /// A monitor of this store.
    pub fn new(store: impl Into<AnyStore>) -> WorkflowMonitor {
        WorkflowMonitor {
            client: Client::new(store),
        }
    }

    /// Runs, newest first, a page at a time. No payload is read.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list_executions(&self, filter: &RunFilter) -> Result<Vec<Run>, Error> {
        self.client.runs(filter).await
    }

    /// A run, and what each of its steps has done; none where there is no such run.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id that cannot be one, [`Error::Store`].
    pub async fn get_execution(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
    ) -> Result<Option<Status>, Error> {
        self.client.status(run).await
    }

    /// Everything that happened to a run, in order: submitted, claimed, steps begun and ended, attempts that failed, what
    /// it waited for, who decided what, how it ended. None where there is no such run. Values are not read.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id that cannot be one, [`Error::Store`].
    pub async fn get_execution_timeline(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
    ) -> Result<Option<Vec<TimelineEntry>>, Error> {
        let id = run.try_into().map_err(Into::into)?;
        let store = &self.client.store;
        let Some(history) = store.history(&id).await? else {
            return Ok(None);
        };
        let workers = match history.run.worker {
            Some(_) => store.workers(Duration::MAX).await?,
            None => Vec::new(),
        };
        let worker = workers
            .iter()
            .find(|worker| Some(worker.registered.key) == history.run.worker);
        let driver = Driver {
            worker: worker.map(|worker| worker.registered.name.as_str()),
            running: worker.map(|worker| (&*worker.running, worker.seen_at)),
        };
        let in_words: fn(&Outcome) -> String = error_text;
        Ok(Some(history.timeline(&driver, in_words)))
    }

    /// Why a run does not go on: what it waits for, since when, and what would make it go on. None where it is over, and
    /// where there is no such run.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an id that cannot be one, [`Error::Store`].
    pub async fn why(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
    ) -> Result<Option<Why>, Error> {
        let id = run.try_into().map_err(Into::into)?;
        why::of(&self.client, &id).await
    }

    /// How many runs there are in each state. Reads an entry of every run: for a screen, and not in a loop.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn counts(&self) -> Result<BTreeMap<RunState, u64>, Error> {
        let counted = self.client.store.counts().await?;
        let none = RunState::ALL.map(|state| (state, 0));
        Ok(none.into_iter().chain(counted).collect())
    }

    /// Makes a failed run go on, as [`Client::retry`]: steps that completed stay.
    ///
    /// # Errors
    /// As [`Client::retry`].
    pub async fn retry_execution(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
        by: impl Into<String>,
    ) -> Result<(), Error> {
        self.client.retry(run, by).await
    }

    /// Ends a run, as [`Client::cancel`].
    ///
    /// # Errors
    /// As [`Client::cancel`].
    pub async fn cancel(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
        by: impl Into<String>,
        reason: impl Into<String>,
    ) -> Result<(), Error> {
        self.client.cancel(run, by, reason).await
    }
}
