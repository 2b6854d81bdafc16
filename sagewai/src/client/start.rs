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
        let created = match client.store.start(new).await? {
            Started::Created => true,
            Started::Attached => false,
            Started::Conflict {
                same_workflow: true,
                ..
            } => {
                return Err(Error::Conflict {
                    run: id,
                    other: "other arguments".to_owned(),
                });
            }
            Started::Conflict { workflow, .. } => {
                return Err(Error::Conflict {
                    run: id,
                    other: format!("workflow `{workflow}`"),
                });
            }
        };
        tracing::debug!(run = %id, workflow = W::SPEC.name, created, "run submitted");
        Ok(RunHandle::new(client.clone(), id, created))
    }
}
