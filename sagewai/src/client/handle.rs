//! A run, seen from outside.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{Client, Status, status};
use crate::error::{Error, RunFailed, StepError};
use crate::model::{Journal, Outcome, Position, Run, RunId, RunState};
use crate::workflow::erased::error_text;
use crate::workflow::{Payload, Workflow};

/// How long a handle waits for a hint before it looks for itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A run of workflow `W`.
pub struct RunHandle<W> {
    client: Client,
    id: RunId,
    created: bool,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> RunHandle<W> {
    pub(crate) fn new(client: Client, id: RunId, created: bool) -> RunHandle<W> {
        RunHandle {
            client,
            id,
            created,
            workflow: PhantomData,
        }
    }

    /// The run's id.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Whether the call that gave this handle created the run; false where it attached to one.
    pub fn is_new(&self) -> bool {
        self.created
    }

    /// Waits until the run is over, and gives what it returned. Cancel safe.
    ///
    /// # Errors
    /// [`Error::Failed`] with the run's own error, which [`RunFailed::error`] gives typed; [`Error::WrongState`]
    /// where it was cancelled; [`Error::Stored`] where its result does not describe the workflow's output any more.
    pub async fn result(&self) -> Result<W::Output, Error> {
        let run = self.finished().await?;
        result_of::<W>(&self.client, &run).await
    }

    /// Waits until the run is over, and gives its own result: the workflow's value, or its typed error.
    ///
    /// # Errors
    /// As [`result`](RunHandle::result), without [`Error::Failed`].
    pub async fn outcome(&self) -> Result<Result<W::Output, W::Error>, Error> {
        match self.result().await {
            Ok(value) => Ok(Ok(value)),
            Err(Error::Failed(failed)) => match failed.error::<W::Error>() {
                Some(error) => Ok(Err(error)),
                None => Err(Error::Failed(failed)),
            },
            Err(error) => Err(error),
        }
    }

    /// Where the run stands, and what each of its steps has done.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::NoRun`] where it was removed.
    pub async fn status(&self) -> Result<Status, Error> {
        let status = status::of(&self.client.store, &self.id).await?;
        status.ok_or_else(|| Error::NoRun {
            run: self.id.clone(),
        })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    async fn finished(&self) -> Result<Run, Error> {
        // Listen, then look, then wait: whatever happens after the look is heard.
        let mut hints = self.client.store.hints().watch_run(self.id.key());
        loop {
            let run = self.client.find(&self.id).await?;
            if run.state.is_finished() {
                return Ok(run);
            }
            // A hint may be lost, so a look follows in any case.
            let _ = tokio::time::timeout(LOOK_AGAIN, hints.changed()).await;
        }
    }
}

impl<W> fmt::Debug for RunHandle<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunHandle").field(&self.id).finish()
    }
}

impl<W> Clone for RunHandle<W> {
    fn clone(&self) -> RunHandle<W> {
        RunHandle {
            client: self.client.clone(),
            id: self.id.clone(),
            created: self.created,
            workflow: PhantomData,
        }
    }
}

/// What a finished run returned.
pub(super) async fn result_of<W: Workflow>(client: &Client, run: &Run) -> Result<W::Output, Error> {
    if run.state == RunState::Cancelled {
        return Err(Error::WrongState {
            run: run.id.clone(),
            state: run.state,
            verb: "awaited for a result",
        });
    }
    let journal = client.store.journal(&run.id).await?;
    let journal = journal.ok_or_else(|| Error::NoRun {
        run: run.id.clone(),
    })?;
    let outcome = match journal.at(Position::OUTPUT) {
        Some(output) => output.written.outcome.clone(),
        // It was retried between the two looks, and is not over any more.
        None => {
            return Err(Error::WrongState {
                run: run.id.clone(),
                state: RunState::Pending,
                verb: "read",
            });
        }
    };
    match outcome {
        Outcome::Ok(json) => W::Output::load(json.as_str()).map_err(|fault| Error::Stored {
            run: run.id.clone(),
            position: Position::OUTPUT.to_owned(),
            fault,
        }),
        outcome => Err(failed::<W::Error>(run, &journal, outcome)),
    }
}

fn failed<E: StepError>(run: &Run, journal: &Journal, outcome: Outcome) -> Error {
    let message = match &outcome {
        Outcome::Err(json) => E::load(json).map_or_else(|_| error_text(&outcome), |e| e.message()),
        _ => error_text(&outcome),
    };
    let step = journal.failures().first().map(|p| p.as_str().to_owned());
    Error::Failed(Box::new(RunFailed {
        run: run.id.clone(),
        workflow: run.workflow.clone(),
        step,
        message,
        outcome,
    }))
}
