//! A run, seen from outside.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Client, Status, status};
use crate::error::{Error, Fault, RunFailed, StepError};
use crate::model::{Journal, Outcome, Position, Run, RunId};
use crate::store::RunWatch;
use crate::workflow::{Payload, Workflow};

/// How long a handle waits for a hint before it looks for itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A run of workflow `W`.
pub struct RunHandle<W> {
    client: Client,
    id: RunId,
    created: bool,
    /// Listens since before the run was created, so that its end cannot have been missed. Taken by the first wait.
    heard_from_the_start: Mutex<Option<RunWatch>>,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> RunHandle<W> {
    /// A handle to a run that is there.
    pub(super) fn new(client: Client, id: RunId) -> RunHandle<W> {
        RunHandle {
            client,
            id,
            created: false,
            heard_from_the_start: Mutex::default(),
            workflow: PhantomData,
        }
    }

    /// A handle to a run that was just created; `hints` listens since before, if at all.
    pub(super) fn created(client: Client, id: RunId, hints: Option<RunWatch>) -> RunHandle<W> {
        RunHandle {
            created: true,
            heard_from_the_start: Mutex::new(hints),
            ..RunHandle::new(client, id)
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
    /// [`Error::Failed`] with the run's own error, which [`RunFailed::error`] gives typed; [`Error::Cancelled`]
    /// where it was cancelled; [`Error::Stored`] where its result does not describe the workflow's output any more.
    pub async fn result(&self) -> Result<W::Output, Error> {
        let outcome = self.ended().await?;
        self.typed(outcome).await
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

    /// Waits until the run is over.
    async fn ended(&self) -> Result<Outcome, Error> {
        let store = &self.client.store;
        let from_the_start = self
            .heard_from_the_start
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Listen, then look, then wait: whatever happens after the look is heard. Who has listened from the start
        // need not look before the first word.
        let mut may_be_over = from_the_start.is_none();
        let mut hints = from_the_start.unwrap_or_else(|| store.hints().watch_run(self.id.key()));
        loop {
            if let Some(result) = hints.result() {
                return Ok(result);
            }
            if may_be_over && let Some(outcome) = store.output(&self.id).await? {
                return Ok(outcome);
            }
            may_be_over = true;
            // A hint may be lost, so a look follows in any case.
            let heard = tokio::time::timeout(LOOK_AGAIN, hints.changed()).await;
            if heard.is_err() {
                // It may have been removed.
                self.client.find(&self.id).await?;
            }
        }
    }

    /// What an outcome is to a caller.
    pub(super) async fn typed(&self, outcome: Outcome) -> Result<W::Output, Error> {
        match outcome {
            Outcome::Fault(Fault::Cancelled { by, reason }) => Err(Error::Cancelled {
                run: self.id.clone(),
                by,
                reason,
            }),
            Outcome::Ok(json) => W::Output::load(json.as_str()).map_err(|fault| Error::Stored {
                run: self.id.clone(),
                position: Position::OUTPUT.to_owned(),
                fault,
            }),
            outcome => {
                let run = self.client.find(&self.id).await?;
                let journal = self.client.journal(&self.id).await?;
                Err(failed::<W::Error>(&run, &journal, outcome))
            }
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
            heard_from_the_start: Mutex::default(),
            workflow: PhantomData,
        }
    }
}

fn failed<E: StepError>(run: &Run, journal: &Journal, outcome: Outcome) -> Error {
    let message = match &outcome {
        Outcome::Err(json) => E::load(json).map_or_else(|_| outcome.error_text(), |e| e.message()),
        _ => outcome.error_text(),
    };
    let step = journal.failed_at().map(|p| p.as_str().to_owned());
    Error::Failed(Box::new(RunFailed {
        run: run.id.clone(),
        workflow: run.workflow.clone(),
        step,
        message,
        outcome,
    }))
}
