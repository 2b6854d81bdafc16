//! What people do to a run: cancel, pause, resume, retry.

use super::{Client, RunHandle};
use crate::error::Error;
use crate::model::{Act, Answer, Journal, Position, Run, RunId, RunState};
use crate::workflow::Workflow;

impl Client {
    /// Ends a run, whatever it does: it is `cancelled` when this returns, and nothing that its worker does afterwards is
    /// stored. Steps that are being executed are told by their [token](crate::StepContext::cancelled) and aborted after
    /// the worker's grace; runs that it started are cancelled too, unless they are to be abandoned. Cancelled again, it
    /// stays as it is.
    ///
    /// # Errors
    /// [`Error::NoRun`]; [`Error::WrongState`] where it completed or failed before; [`Error::Invalid`] for a name or
    /// reason that is empty.
    pub async fn cancel(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
        by: impl Into<String>,
        reason: impl Into<String>,
    ) -> Result<(), Error> {
        let (by, reason) = (by.into(), reason.into());
        crate::model::person(&by)?;
        crate::model::reason(&reason)?;
        let act = Act::Cancel { by, reason };
        self.act(run, &act, "cancelled").await.map(drop)
    }

    /// Stops a run at its next durable point: steps that are being executed end and are stored, and nothing begins after
    /// them. A run that waits or is queued is paused at once. Time goes on meanwhile: what is overdue when it is
    /// resumed happens then. Paused again, it stays as it is.
    ///
    /// # Errors
    /// [`Error::NoRun`]; [`Error::WrongState`] where it is over.
    pub async fn pause(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
        by: impl Into<String>,
    ) -> Result<(), Error> {
        let by = by.into();
        crate::model::person(&by)?;
        self.act(run, &Act::Pause { by }, "paused").await.map(drop)
    }

    /// Makes a paused run go on, or one that has not come to its durable point yet go on without a stop.
    ///
    /// # Errors
    /// [`Error::NoRun`]; [`Error::WrongState`] where it is not paused.
    pub async fn resume(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
        by: impl Into<String>,
    ) -> Result<(), Error> {
        let by = by.into();
        crate::model::person(&by)?;
        self.act(run, &Act::Resume { by }, "resumed")
            .await
            .map(drop)
    }

    /// Makes a failed run go on, or one that waits because its code no longer fitted: completed steps stay, the one
    /// that failed is tried anew, a gate that was rejected is asked at anew, and a child that failed is retried itself.
    /// `by` says who asked for it.
    ///
    /// # Errors
    /// [`Error::NoRun`], and [`Error::WrongState`] where it neither failed nor waits for that.
    pub async fn retry(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
        by: impl Into<String>,
    ) -> Result<(), Error> {
        let (id, by) = (run.try_into().map_err(Into::into)?, by.into());
        crate::model::person(&by)?;
        let act = Act::Retry { by };
        // Parents come after their children, so that each finds them going on.
        let mut chain = vec![id];
        let mut next = 0;
        while let Some(id) = chain.get(next).cloned() {
            let failed = self.failed_children(&id).await?;
            chain.extend(failed);
            next += 1;
        }
        for child in chain.iter().skip(1).rev() {
            // Somebody else may have been faster.
            self.store.act(child, &act).await?;
        }
        self.act(&chain[0], &act, "retried").await.map(drop)
    }

    /// Children whose failure made a run fail.
    async fn failed_children(&self, id: &RunId) -> Result<Vec<RunId>, Error> {
        let Some(messages) = self.store.messages(id).await? else {
            return Ok(Vec::new());
        };
        let is_failed = |state| state == RunState::Failed;
        if !is_failed(messages.run.state) || !messages.children.iter().any(|c| is_failed(c.state)) {
            return Ok(Vec::new());
        }
        let journal: Option<Journal> = self.store.journal(id).await?;
        let forgotten = journal.map(|journal| journal.forgotten_by_retry());
        let forgotten: Vec<Position> = forgotten.unwrap_or_default();
        let failed = messages.children.into_iter();
        let failed = failed.filter(|c| is_failed(c.state) && forgotten.contains(&c.position));
        Ok(failed.map(|child| child.run).collect())
    }

    /// Does something to a run that its state allows; gives the run as it was before.
    pub(super) async fn act(
        &self,
        run: impl TryInto<RunId, Error: Into<Error>>,
        act: &Act,
        verb: &'static str,
    ) -> Result<Run, Error> {
        let id = run.try_into().map_err(Into::into)?;
        match self.store.act(&id, act).await? {
            Answer::Done(run) | Answer::Already(run) => Ok(*run),
            Answer::NoRun => Err(Error::NoRun { run: id }),
            Answer::WrongState(run) => Err(Error::WrongState {
                run: id,
                state: run.state,
                verb,
            }),
            Answer::OtherSignal => Err(Error::OtherSignal { run: id }),
            Answer::Nothing | Answer::Voted(_) => Err(Error::Nothing { run: id, verb }),
        }
    }
}

impl<W: Workflow> RunHandle<W> {
    /// Ends the run; see [`Client::cancel`].
    ///
    /// # Errors
    /// As [`Client::cancel`].
    pub async fn cancel(
        &self,
        by: impl Into<String>,
        reason: impl Into<String>,
    ) -> Result<(), Error> {
        self.client().cancel(self.id(), by, reason).await
    }

    /// Stops the run at its next durable point; see [`Client::pause`].
    ///
    /// # Errors
    /// As [`Client::pause`].
    pub async fn pause(&self, by: impl Into<String>) -> Result<(), Error> {
        self.client().pause(self.id(), by).await
    }

    /// Makes the paused run go on; see [`Client::resume`].
    ///
    /// # Errors
    /// As [`Client::resume`].
    pub async fn resume(&self, by: impl Into<String>) -> Result<(), Error> {
        self.client().resume(self.id(), by).await
    }

    /// Makes the failed run go on; see [`Client::retry`].
    ///
    /// # Errors
    /// As [`Client::retry`].
    pub async fn retry(&self, by: impl Into<String>) -> Result<(), Error> {
        self.client().retry(self.id(), by).await
    }
}
