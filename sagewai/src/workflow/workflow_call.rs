//! A workflow that is called but not yet started.

use std::fmt;
use std::time::Duration;

use super::spec::{Workflow, WorkflowSpec};
use crate::error::Error;
#[cfg(feature = "schedules")]
use crate::model::RunTemplate;
use crate::model::{Header, Invalid, Label, Labels, NewRun, Parent, RunId};

/// The pool of runs and workers that name none.
pub const DEFAULT_POOL: &str = "default";

/// A call of a `#[workflow]`: the arguments, and how the run is to be queued. Start it with a client:
/// [`start`](WorkflowCall::start) hands it to any worker, [`run`](WorkflowCall::run) drives it here.
#[must_use = "a workflow does nothing unless it is started"]
pub struct WorkflowCall<W: Workflow> {
    input: W::Input,
    run_id: Option<String>,
    pool: Option<String>,
    labels: Labels,
    priority: i16,
    concurrency_key: Option<String>,
    delay: Duration,
    header: Header,
}

impl<W: Workflow> WorkflowCall<W> {
    #[doc(hidden)]
    pub fn new(input: W::Input) -> WorkflowCall<W> {
        WorkflowCall {
            input,
            run_id: None,
            pool: None,
            labels: Labels::new(),
            priority: 0,
            concurrency_key: None,
            delay: Duration::ZERO,
            header: Header::default(),
        }
    }

    /// The run's id; a new one by default. Started again under the same id with the same arguments, the call
    /// attaches to the run that is there.
    pub fn run_id(mut self, id: impl Into<String>) -> WorkflowCall<W> {
        self.run_id = Some(id.into());
        self
    }

    /// The pool whose workers may serve it; `default` by default, and that of its parent for a child.
    pub fn pool(mut self, pool: impl Into<String>) -> WorkflowCall<W> {
        self.pool = Some(pool.into());
        self
    }

    /// A label that its worker must have.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<Label>) -> WorkflowCall<W> {
        self.labels.insert(key, value);
        self
    }

    /// How urgent it is; 0 by default. Each level is worth a minute of age, and the oldest are claimed first: a run of
    /// priority 10 goes before those of priority 0 that came up to ten minutes earlier, and an old run is not starved,
    /// however many urgent ones come after it. Negative ones let others go first.
    pub fn priority(mut self, priority: i16) -> WorkflowCall<W> {
        self.priority = priority;
        self
    }

    /// The key under which the workflow's limits per key count this run, often the name of a customer: see
    /// [`concurrency_per_key`](crate::workflow::WorkflowSpec::concurrency_per_key) and
    /// [`rate_per_key`](crate::workflow::WorkflowSpec::rate_per_key). 1 to 200 bytes. Runs without a key are not
    /// limited per key. Children have keys of their own, or none.
    ///
    /// The run is refused at its start where its workflow declares no limit per key.
    pub fn concurrency_key(mut self, key: impl Into<String>) -> WorkflowCall<W> {
        self.concurrency_key = Some(key.into());
        self
    }

    /// How long the run stays out of the queue.
    pub fn delay(mut self, delay: Duration) -> WorkflowCall<W> {
        self.delay = delay;
        self
    }

    /// Who starts it, for the timeline and for gates that forbid self-approval.
    pub fn started_by(mut self, person: impl Into<String>) -> WorkflowCall<W> {
        self.header.started_by = Some(person.into());
        self
    }

    /// How long the run may take, from its start to its end, waits included. A run that is not over by then fails with
    /// [`Fault::DeadlinePassed`](crate::Fault::DeadlinePassed), whatever it does.
    pub fn deadline(mut self, limit: Duration) -> WorkflowCall<W> {
        self.header.deadline = Some(limit);
        self
    }

    /// How long the run may wait for its first worker, from its start. A run that none has taken by then is cancelled,
    /// in the name of `the queue`.
    pub fn expires_after(mut self, limit: Duration) -> WorkflowCall<W> {
        self.header.expires_after = Some(limit);
        self
    }

    /// The run as a child of another one, which gives it an id and a pool where it has none.
    pub(super) fn child_submission(
        mut self,
        id: RunId,
        pool: &str,
        parent: Parent,
    ) -> Result<NewRun, Error> {
        self.run_id.get_or_insert_with(|| id.into());
        self.pool.get_or_insert_with(|| pool.to_owned());
        self.header.parent = Some(parent);
        self.submission()
    }

    /// The run as it is submitted.
    pub(crate) fn submission(self) -> Result<NewRun, Error> {
        let workflow = W::SPEC.name.to_owned();
        crate::model::workflow_name(&workflow)?;
        let pool = self.pool.unwrap_or_else(|| DEFAULT_POOL.to_owned());
        crate::model::pool_name(&pool)?;
        self.labels.check()?;
        if let Some(key) = &self.concurrency_key {
            check_key(&W::SPEC, key)?;
        }
        check_header(&self.header)?;
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
            pool,
            labels: self.labels,
            priority: self.priority,
            concurrency_key: self.concurrency_key,
            input,
            fingerprint: W::FINGERPRINT.cast_signed(),
            delay: self.delay,
            header: self.header,
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
            concurrency_key: run.concurrency_key,
            input: run.input,
            fingerprint: run.fingerprint,
            header: run.header,
            delay_us: u64::try_from(run.delay.as_micros()).unwrap_or(u64::MAX),
        })
    }
}

/// Without a limit per key, the key would do nothing.
fn check_key(spec: &WorkflowSpec, key: &str) -> Result<(), Invalid> {
    if !spec.limits().are_per_key() {
        let reason = format!(
            "workflow `{}` has no limit per key; declare one with `#[workflow(concurrency_per_key = 1)]` or \
             `#[workflow(rate_per_key = \"10/1m\")]`",
            spec.name
        );
        return Err(Invalid::new("concurrency key", key, reason));
    }
    crate::model::concurrency_key(key)
}

fn check_header(header: &Header) -> Result<(), Invalid> {
    if let Some(person) = &header.started_by {
        crate::model::person(person)?;
    }
    for (what, limit) in [
        ("deadline", header.deadline),
        ("time in the queue", header.expires_after),
    ] {
        if limit.is_some_and(|limit| limit.is_zero()) {
            return Err(Invalid::new(what, "0", "no run could ever keep it"));
        }
    }
    Ok(())
}

impl<W: Workflow> fmt::Debug for WorkflowCall<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowCall")
            .field("workflow", &W::SPEC.name)
            .field("run_id", &self.run_id)
            .finish_non_exhaustive()
    }
}
