//! Starting a run.

use super::{Client, RunHandle};
use crate::error::Error;
use crate::model::Started;
use crate::workflow::{Workflow, WorkflowCall};

impl<W: Workflow> WorkflowCall<W> {
    /// Submits the run; any worker that serves the workflow takes it. When this returns, the run is stored.
    ///
    /// A run of the same id, workflow and arguments that is there already is attached to.
    ///
    /// # Errors
    /// [`Error::Conflict`] where a run of this id has another workflow or other arguments, [`Error::Input`] and
    /// [`Error::Invalid`] for what cannot be stored, [`Error::Store`].
    pub async fn start(self, client: &Client) -> Result<RunHandle<W>, Error> {
        let new = self.submission()?;
        let id = new.id.clone();
        // Listening begins before the run is there.
        let hints = client.store.hints().watch_run(id.key());
        match client.store.start(new).await? {
            Started::Created => {
                tracing::debug!(run = %id, workflow = W::SPEC.name, "run submitted");
                Ok(RunHandle::created(client.clone(), id, hints))
            }
            Started::Attached => Ok(RunHandle::new(client.clone(), id)),
            Started::Conflict {
                same_workflow: true,
                ..
            } => Err(Error::Conflict {
                run: id,
                other: "other arguments".to_owned(),
            }),
            Started::Conflict { workflow, .. } => Err(Error::Conflict {
                run: id,
                other: format!("workflow `{workflow}`"),
            }),
        }
    }
}
