//! A workflow that is called but not yet started.

use std::fmt;
use std::time::Duration;

use super::asks::labels_of;
use super::spec::Workflow;
use crate::error::Error;
#[cfg(feature = "schedules")]
use crate::model::RunTemplate;
use crate::model::{Assigned, Header, Invalid, Label, Labels, NewRun, Parent, RunId, WorkerKey};

/// The pool of runs and workers that name none.
pub const DEFAULT_POOL: &str = "default";

/// The worker that a run is meant for; see [`WorkflowCall::assigned_to`]. It counts as one run of that worker until a run
/// that was started with it is claimed, or until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment(pub(crate) Assigned);

impl Assignment {
    /// Name of the worker.
    pub fn worker(&self) -> &str {
        &self.0.name
    }

    /// Key of the worker's present life.
    pub fn worker_key(&self) -> WorkerKey {
        self.0.worker
    }
}

/// A call of a `#[workflow]`: the arguments, and how the run is to be queued. Start it with a client:
/// [`start`](WorkflowCall::start) hands it to any worker, [`run`](WorkflowCall::run) drives it here.
#[must_use = "a workflow does nothing unless it is started"]
pub struct WorkflowCall<W: Workflow> {
    input: W::Input,
    run_id: Option<String>,
    pool: Option<String>,
    /// None: as the attribute says.
    labels: Option<Labels>,
    priority: i16,
    delay: Duration,
    assigned: Option<Assigned>,
    header: Header,
}

impl<W: Workflow> WorkflowCall<W> {
    #[doc(hidden)]
    pub fn new(input: W::Input) -> WorkflowCall<W> {
        WorkflowCall {
            input,
            run_id: None,
            pool: None,
            labels: None,
            priority: 0,
            delay: Duration::ZERO,
            assigned: None,
            header: Header::default(),
        }
    }

    /// The run's id; a new one by default. Started again under the same id with the same arguments, the call
    /// attaches to the run that is there.
    pub fn run_id(mut self, id: impl Into<String>) -> WorkflowCall<W> {
        self.run_id = Some(id.into());
        self
    }

    /// The pool whose workers may serve it, instead of that of the attribute. Where that names none it is `default`, and
    /// that of its parent for a child.
    pub fn pool(mut self, pool: impl Into<String>) -> WorkflowCall<W> {
        self.pool = Some(pool.into());
        self
    }

    /// A label that its worker must have, beside those of the attribute; of one key, this value counts.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<Label>) -> WorkflowCall<W> {
        let labels = &mut self.labels;
        let labels = labels.get_or_insert_with(|| labels_of(W::SPEC.labels));
        labels.insert(key, value);
        self
    }

    /// All labels that its worker must have, instead of those of the attribute and those given before.
    pub fn labels(mut self, labels: Labels) -> WorkflowCall<W> {
        self.labels = Some(labels);
        self
    }

    /// The worker that it is meant for, as a [`WorkerLoadBalancer`](crate::WorkerLoadBalancer) has chosen it. Others take it when
    /// that one has not claimed it in time.
    pub fn assigned_to(mut self, assignment: &Assignment) -> WorkflowCall<W> {
        self.assigned = Some(assignment.0.clone());
        self
    }

    /// What it asks of its worker.
    pub(crate) fn asks(&self) -> (String, Labels) {
        let pool = self.pool.clone().or(W::SPEC.pool.map(str::to_owned));
        let labels = self.labels.clone();
        (
            pool.unwrap_or_else(|| DEFAULT_POOL.to_owned()),
            labels.unwrap_or_else(|| labels_of(W::SPEC.labels)),
        )
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
        if W::SPEC.pool.is_none() {
            self.pool.get_or_insert_with(|| pool.to_owned());
        }
        self.header.parent = Some(parent);
        self.submission()
    }

    /// The run as it is submitted.
    pub(crate) fn submission(self) -> Result<NewRun, Error> {
        let workflow = W::SPEC.name.to_owned();
        crate::model::workflow_name(&workflow)?;
        let (pool, labels) = self.asks();
        crate::model::pool_name(&pool)?;
        labels.check()?;
        if self.assigned.is_some() && !self.delay.is_zero() {
            let reason = "a run that starts later is taken by whoever is free then; leave `.delay(..)` or `.assigned_to(..)` out";
            return Err(Invalid::new("delay", &format!("{:?}", self.delay), reason).into());
        }
        let lasts = self.assigned.as_ref().map(|assigned| assigned.lasts);
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
            version: W::SPEC.version,
            pool,
            labels,
            priority: self.priority,
            input,
            fingerprint: W::FINGERPRINT.cast_signed(),
            // Until then it is in nobody's queue.
            delay: lasts.unwrap_or(self.delay),
            assigned: self.assigned,
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
        if let Some(assigned) = &self.assigned {
            let reason = "an assignment is for one run; leave `.assigned_to(..)` out";
            return Err(Invalid::new("assignment", &assigned.name, reason).into());
        }
        let run = self.submission()?;
        Ok(RunTemplate {
            workflow: run.workflow,
            version: run.version,
            pool: run.pool,
            labels: run.labels,
            priority: run.priority,
            input: run.input,
            fingerprint: run.fingerprint,
            header: run.header,
            delay_us: u64::try_from(run.delay.as_micros()).unwrap_or(u64::MAX),
        })
    }
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
