//! Who is told that nobody has decided at a gate yet.

use std::fmt;
use std::sync::Arc;

use crate::model::RunId;

/// Nobody has decided at a gate yet; see [`ApprovalGate::remind_every`](crate::ApprovalGate::remind_every).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reminded {
    /// The run that waits.
    pub run: RunId,
    /// Its workflow.
    pub workflow: String,
    /// The gate.
    pub gate: String,
    /// How many times people were reminded, this time included.
    pub times: u32,
}

type Tell = dyn Fn(&Reminded) + Send + Sync;

/// What a worker does then.
#[derive(Clone, Default)]
pub(crate) struct OnReminder(Option<Arc<Tell>>);

impl OnReminder {
    pub(crate) fn new(tell: impl Fn(&Reminded) + Send + Sync + 'static) -> OnReminder {
        OnReminder(Some(Arc::new(tell)))
    }

    pub(crate) fn tell(&self, reminded: &Reminded) {
        tracing::info!(run = %reminded.run, gate = %reminded.gate, times = reminded.times, "gate still open");
        if let Some(tell) = &self.0 {
            tell(reminded);
        }
    }
}

impl fmt::Debug for OnReminder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnReminder({})", self.0.is_some())
    }
}
