//! A workflow that is called but not yet started.

use std::fmt;
use std::time::Duration;

use super::spec::Workflow;
use crate::error::Error;
#[cfg(feature = "schedules")]
use crate::model::{Invalid, RunTemplate};
use crate::model::{Label, Labels, NewRun, RunId};

/// The pool of runs and workers that name none.
pub const DEFAULT_POOL: &str = "default";

/// A call of a `#[workflow]`: the arguments, and how the run is to be queued. Start it with a client:
/// [`start`](WorkflowCall::start) hands it to any worker, [`run`](WorkflowCall::run) drives it here.
#[must_use = "a workflow does nothing unless it is started"]
pub struct WorkflowCall<W: Workflow> {
    input: W::Input,
    run_id: Option<String>,
    pool: String,
    labels: Labels,
    priority: i16,
    delay: Duration,
}

impl<W: Workflow> WorkflowCall<W> {
    #[doc(hidden)]
    pub fn new(input: W::Input) -> WorkflowCall<W> {
        WorkflowCall {
            input,
            run_id: None,
            pool: DEFAULT_POOL.to_owned(),
            labels: Labels::new(),
            priority: 0,
            delay: Duration::ZERO,
        }
    }

    /// The run's id; a new one by default. Started again under the same id with the same arguments, the call
    /// attaches to the run that is there.
    pub fn run_id(mut self, id: impl Into<String>) -> WorkflowCall<W> {
        self.run_id = Some(id.into());
        self
    }

    /// The pool whose workers may serve it; `default` by default.
    pub fn pool(mut self, pool: impl Into<String>) -> WorkflowCall<W> {
        self.pool = pool.into();
        self
    }

    /// A label that its worker must have.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<Label>) -> WorkflowCall<W> {
        self.labels.insert(key, value);
        self
    }

    /// Higher ones are claimed first; 0 by default.
    pub fn priority(mut self, priority: i16) -> WorkflowCall<W> {
        self.priority = priority;
        self
    }

    /// How long the run stays out of the queue.
    pub fn delay(mut self, delay: Duration) -> WorkflowCall<W> {
        self.delay = delay;
        self
    }

    /// The run as it is submitted.
    pub(crate) fn submission(self) -> Result<NewRun, Error> {
        let workflow = W::SPEC.name.to_owned();
        crate::model::workflow_name(&workflow)?;
        crate::model::pool_name(&self.pool)?;
        self.labels.check()?;
        let id = match self.run_id {
            Some(id) => RunId::new(id)?,
            None => RunId::generate(),
        };
        let input = W::store(&self.input).map_err(|fault| Error::Input {
            workflow: workflow.clone(),
            fault,
        })?;
        Ok(NewRun {
            id,
            workflow,
            pool: self.pool,
            labels: self.labels,
            priority: self.priority,
            input,
            fingerprint: W::FINGERPRINT.cast_signed(),
            delay: self.delay,
        })
    }
}

#[cfg(feature = "schedules")]
impl<W: Workflow> WorkflowCall<W> {
    /// What a schedule keeps of it.
    pub(crate) fn template(self) -> Result<RunTemplate, Error> {
        if let Some(id) = &self.run_id {
            let reason = "the id of a scheduled run follows from the schedule and the firing, so that each firing starts \
                          one run; leave `.run_id(..)` out";
            return Err(Invalid::new("run id", id, reason).into());
        }
        let run = self.submission()?;
        Ok(RunTemplate {
            workflow: run.workflow,
            pool: run.pool,
            labels: run.labels,
            priority: run.priority,
            input: run.input,
            fingerprint: run.fingerprint,
            delay_us: u64::try_from(run.delay.as_micros()).unwrap_or(u64::MAX),
        })
    }
}

impl<W: Workflow> fmt::Debug for WorkflowCall<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowCall")
            .field("workflow", &W::SPEC.name)
            .field("run_id", &self.run_id)
            .finish_non_exhaustive()
    }
}
