//! Deciding at a gate.

use super::Client;
use crate::error::Error;
use crate::model::{Decided, Decision, Invalid, RunId, RunState};

/// A gate of a run, by their names. Each gate of each run is its own: a decision goes to this one and no other.
#[derive(Debug, Clone)]
pub struct GateHandle {
    client: Client,
    run: String,
    gate: String,
}

impl GateHandle {
    pub(super) fn new(client: Client, run: String, gate: String) -> GateHandle {
        GateHandle { client, run, gate }
    }

    /// Says yes, in the name of `by`. A decision that comes before the run asks is kept for it; the same one twice is
    /// one.
    ///
    /// # Errors
    /// [`Error::NoRun`]; [`Error::AlreadyDecided`] where somebody decided otherwise before; [`Error::WrongState`]
    /// where the run is over.
    pub async fn approve(&self, by: impl Into<String>) -> Result<(), Error> {
        self.decide(Decision {
            approved: true,
            by: by.into(),
            reason: None,
        })
        .await
    }

    /// Says no, in the name of `by`, and why. The run gets [`Fault::Rejected`](crate::Fault::Rejected).
    ///
    /// # Errors
    /// As [`approve`](GateHandle::approve).
    pub async fn reject(
        &self,
        by: impl Into<String>,
        reason: impl Into<String>,
    ) -> Result<(), Error> {
        self.decide(Decision {
            approved: false,
            by: by.into(),
            reason: Some(reason.into()),
        })
        .await
    }

    async fn decide(&self, decision: Decision) -> Result<(), Error> {
        let run = RunId::new(self.run.clone())?;
        crate::model::gate_name(&self.gate)?;
        crate::model::person(&decision.by)?;
        if let Some(reason) = &decision.reason
            && (reason.trim().is_empty() || reason.contains('\0'))
        {
            return Err(Invalid::new("reason", reason, "say why, in a few visible words").into());
        }
        match self
            .client
            .store
            .decide(&run, &self.gate, &decision)
            .await?
        {
            Decided::Recorded | Decided::Already => Ok(()),
            Decided::Conflict(first) => Err(Error::AlreadyDecided {
                run,
                gate: self.gate.clone(),
                first,
            }),
            Decided::NoRun => Err(Error::NoRun { run }),
            Decided::Finished => {
                let found = self.client.store.run(&run).await?;
                Err(Error::WrongState {
                    state: found.map_or(RunState::Completed, |r| r.state),
                    run,
                    verb: "decided about",
                })
            }
        }
    }
}
