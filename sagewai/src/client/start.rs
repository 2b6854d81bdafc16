//! Starting runs, one or many.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Client, RunHandle};
use crate::error::Error;
use crate::model::{Admission, NewRun, RunId, StartRules, Started};
use crate::workflow::{Workflow, WorkflowCall};

/// How many starts are on their way at once: two batches, so that one gathers while the other is written.
const ON_THEIR_WAY_MAX: usize = 2_000;

impl<W: Workflow> WorkflowCall<W> {
    /// Submits the run; any worker that serves the workflow takes it. When this returns, the run is stored.
    ///
    /// A run of the same id, workflow and arguments that is there already is attached to.
    ///
    /// # Errors
    /// [`Error::Conflict`] where a run of this id has another workflow or other arguments, [`Error::QueueFull`] where as
    /// many runs wait as the workflow allows, [`Error::Input`] and [`Error::Invalid`] for what cannot be stored,
    /// [`Error::Store`].
    pub async fn start(self, client: &Client) -> Result<RunHandle<W>, Error> {
        let (new, rules) = self.submission()?;
        // Listening begins before the run is there.
        let hints = client.store.hints().watch_run(new.id.key());
        let (id, created) = client.submit::<W>(new, rules).await?;
        if created {
            Ok(RunHandle::created(client.clone(), id, Some(hints)))
        } else {
            Ok(RunHandle::new(client.clone(), id))
        }
    }
}

impl Client {
    /// Submits many runs of a workflow, hundreds to a transaction of the database. When this returns, all are stored;
    /// the handles come in the order of the calls.
    ///
    /// Each run is created or attached to by itself, as by [`start`](WorkflowCall::start); they are not one
    /// transaction. Where some of it fails or the process dies, give the calls again under the same
    /// [ids](WorkflowCall::run_id): what is there already is attached to.
    ///
    /// # Errors
    /// As [`start`](WorkflowCall::start), the first one in the order of the calls. Nothing is started where a call
    /// holds what cannot be stored ([`Error::Input`], [`Error::Invalid`]); after other errors, some may be. Calls with a
    /// limit or a [`debounce`](WorkflowCall::debounce) start one after the other, each in a transaction of its own:
    /// after [`Error::QueueFull`], those before it are started, and those after it are not.
    ///
    /// ```
    /// # use sagewai::prelude::*;
    /// #[workflow]
    /// async fn greet(name: String) -> Result<String> {
    ///     Ok(format!("hello {name}"))
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let store = sagewai::store::open("memory:").await?;
    /// let client = Client::new(&store);
    /// let names = ["Ann", "Bo", "Cy"];
    /// let runs = client
    ///     .start_many(names.map(|name| greet(name.into()).run_id(format!("greet-{name}"))))
    ///     .await?;
    /// assert_eq!(runs[2].id().as_str(), "greet-Cy");
    /// # Ok(()) }
    /// ```
    pub async fn start_many<W: Workflow>(
        &self,
        calls: impl IntoIterator<Item = WorkflowCall<W>>,
    ) -> Result<Vec<RunHandle<W>>, Error> {
        let new: Vec<(NewRun, StartRules)> = calls
            .into_iter()
            .map(WorkflowCall::submission)
            .collect::<Result<_, _>>()?;
        // These handles do not listen from the start: most of so many are never awaited.
        let handle = |(id, created)| {
            if created {
                RunHandle::created(self.clone(), id, None)
            } else {
                RunHandle::new(self.clone(), id)
            }
        };
        let one_by_one = new.iter().any(|(_, rules)| !rules.is_empty());
        let on_their_way = if one_by_one { 1 } else { ON_THEIR_WAY_MAX };
        stream::iter(new)
            .map(|(new, rules)| self.submit::<W>(new, rules))
            .buffered(on_their_way)
            .map_ok(handle)
            .try_collect()
            .await
    }

    /// Creates a run or attaches to one; whether it was created.
    async fn submit<W: Workflow>(
        &self,
        new: NewRun,
        rules: StartRules,
    ) -> Result<(RunId, bool), Error> {
        let run = new.id.clone();
        let admitted = if rules.is_empty() {
            Admission::Started(self.store.start(new).await?)
        } else {
            self.store.admit(new, &rules).await?
        };
        answer::<W>(run, admitted)
    }
}

/// What a caller is told of a start: the run, and whether it was created.
pub(super) fn answer<W: Workflow>(run: RunId, admitted: Admission) -> Result<(RunId, bool), Error> {
    let workflow = W::SPEC.name;
    let other = match admitted {
        Admission::Started(Started::Created) => {
            tracing::debug!(run = %run, workflow, "run submitted");
            return Ok((run, true));
        }
        Admission::Started(Started::Attached) => return Ok((run, false)),
        Admission::Replaced { run } => {
            tracing::debug!(run = %run, workflow, "run put off");
            return Ok((run, false));
        }
        Admission::Full { depth, limit } => {
            return Err(Error::QueueFull {
                workflow: workflow.to_owned(),
                depth,
                limit,
            });
        }
        Admission::Started(Started::Conflict {
            same_workflow: true,
            ..
        }) => "other arguments".to_owned(),
        Admission::Started(Started::Conflict { workflow, .. }) => format!("workflow `{workflow}`"),
    };
    Err(Error::Conflict { run, other })
}
