//! A workflow that is called but not yet started.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::asks::labels_of;
use super::spec::{Workflow, WorkflowSpec};
use crate::error::Error;
#[cfg(feature = "schedules")]
use crate::model::RunTemplate;
use crate::model::{
    Assigned, Debounce, Header, Invalid, Label, Labels, NewRun, Parent, RunId, StartRules,
    Timestamp, WorkerKey,
};

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
    concurrency_key: Option<String>,
    delay: Duration,
    assigned: Option<Assigned>,
    start_at: Option<SystemTime>,
    idempotency_key: Option<String>,
    debounce: Option<(String, Duration)>,
    debounce_max: Option<Duration>,
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
            concurrency_key: None,
            delay: Duration::ZERO,
            assigned: None,
            start_at: None,
            idempotency_key: None,
            debounce: None,
            debounce_max: None,
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

    /// The worker that it is meant for, as a [`WorkerLoadBalancer`](crate::WorkerLoadBalancer) has chosen it. Others take it
    /// when that one has not claimed it in time.
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

    /// How long the run stays out of the queue, counted from its start.
    pub fn delay(mut self, delay: Duration) -> WorkflowCall<W> {
        self.delay = delay;
        self
    }

    /// Until when the run stays out of the queue, on the clock of the store; one that has passed is now. With a
    /// [`delay`](WorkflowCall::delay) as well, the later of the two counts.
    pub fn start_at(mut self, time: SystemTime) -> WorkflowCall<W> {
        self.start_at = Some(time);
        self
    }

    /// Makes one run of all starts of this workflow with this key, in place of a run id: the id follows from workflow
    /// and key. The first start creates the run; others with the same arguments attach to it, however long ago that was,
    /// and [`RunHandle::is_new`](crate::RunHandle::is_new) tells which it was. With other arguments it is
    /// [`Error::Conflict`]. A key has 1 to 200 bytes.
    ///
    /// ```
    /// # use sagewai::prelude::*;
    /// #[workflow]
    /// async fn ship(order: u32) -> Result<u32> {
    ///     Ok(order)
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let store = sagewai::store::open("memory:").await?;
    /// let client = Client::new(&store);
    /// let first = ship(17).idempotency_key("order-17").start(&client).await?;
    /// let again = ship(17).idempotency_key("order-17").start(&client).await?;
    /// assert_eq!(first.id(), again.id());
    /// assert!(first.is_new() && !again.is_new());
    /// # Ok(()) }
    /// ```
    pub fn idempotency_key(mut self, key: impl Into<String>) -> WorkflowCall<W> {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Waits for calm: the run begins when this long nothing else was started with the same key of this workflow.
    ///
    /// Each start with the key puts the run off again and replaces its arguments, and its pool, labels and priority; who
    /// started it, its deadline and its time in the queue stay those of the first start. Once a worker has taken the run,
    /// the next start makes a new one. All give a handle to the run that they have become;
    /// [`is_new`](crate::RunHandle::is_new) tells the first. A key has 1 to 200 bytes.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sagewai::prelude::*;
    /// #[workflow]
    /// async fn reindex(document: String, words: u32) -> Result<u32> {
    ///     Ok(words)
    /// }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let store = sagewai::store::open("memory:").await?;
    /// let client = Client::new(&store);
    /// let calm = Duration::from_secs(30);
    /// let first = reindex("a".into(), 100).debounce("a", calm).start(&client).await?;
    /// let last = reindex("a".into(), 120).debounce("a", calm).start(&client).await?;
    /// assert_eq!(first.id(), last.id()); // one run, with 120 words
    /// # Ok(()) }
    /// ```
    pub fn debounce(mut self, key: impl Into<String>, calm: Duration) -> WorkflowCall<W> {
        self.debounce = Some((key.into(), calm));
        self
    }

    /// How long [`debounce`](WorkflowCall::debounce) puts the run off at most, from the first start on; for ever unless
    /// said.
    pub fn debounce_max(mut self, longest: Duration) -> WorkflowCall<W> {
        self.debounce_max = Some(longest);
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
        if let Some((key, _)) = &self.debounce {
            let reason = "a child that takes the place of another one's would leave one parent without a result; start \
                          it with a client, in a step";
            return Err(Invalid::new("debounced start", key, reason).into());
        }
        // Neither refused by the depth of its queue: its parent could do nothing but fail.
        Ok(self.submission()?.0)
    }

    /// The run as it is submitted, and under which rules.
    pub(crate) fn submission(self) -> Result<(NewRun, StartRules), Error> {
        let workflow = W::SPEC.name.to_owned();
        crate::model::workflow_name(&workflow)?;
        let debounce = self.debounce_rule()?;
        let (pool, labels) = self.asks();
        crate::model::pool_name(&pool)?;
        labels.check()?;
        if let Some(key) = &self.concurrency_key {
            check_key(&W::SPEC, key)?;
        }
        if let Some(assigned) = &self.assigned {
            let is_later = !self.delay.is_zero() || self.start_at.is_some() || debounce.is_some();
            check_assigned(&W::SPEC, assigned, is_later)?;
        }
        let lasts = self.assigned.as_ref().map(|assigned| assigned.lasts);
        check_header(&self.header)?;
        let id = match (self.run_id, self.idempotency_key) {
            (Some(id), None) => RunId::new(id)?,
            (None, Some(key)) => RunId::of_key(&workflow, &key)?,
            (None, None) => RunId::generate(),
            (Some(id), Some(_)) => {
                let reason = "the id of a run with an idempotency key follows from the key; leave `.run_id(..)` or \
                              `.idempotency_key(..)` out";
                return Err(Invalid::new("run id", &id, reason).into());
            }
        };
        let input = W::store(&self.input).map_err(|fault| Error::Input {
            workflow: workflow.clone(),
            fault,
        })?;
        let new = NewRun {
            id,
            workflow,
            version: W::SPEC.version,
            pool,
            labels,
            priority: self.priority,
            concurrency_key: self.concurrency_key,
            input,
            fingerprint: W::FINGERPRINT.cast_signed(),
            // One that is meant for a worker is in nobody's queue until then.
            delay: lasts.unwrap_or(self.delay),
            not_before: self.start_at.map(Timestamp::from_system),
            assigned: self.assigned,
            header: self.header,
        };
        let rules = StartRules {
            depth_max: W::SPEC.queue_depth,
            debounce,
        };
        Ok((new, rules))
    }

    fn debounce_rule(&self) -> Result<Option<Debounce>, Error> {
        let Some((key, period)) = &self.debounce else {
            return match self.debounce_max {
                None => Ok(None),
                Some(longest) => {
                    let reason = "it limits a `.debounce(..)`, and there is none";
                    Err(Invalid::new("debounce_max", &format!("{longest:?}"), reason).into())
                }
            };
        };
        crate::model::start_key("debounce key", key)?;
        let refused = |reason: &str| Err(Invalid::new("debounced start", key, reason).into());
        if period.is_zero() || self.debounce_max.is_some_and(|longest| longest.is_zero()) {
            return refused("a period of zero puts nothing off");
        }
        if self.run_id.is_some() || self.idempotency_key.is_some() {
            return refused(
                "which run it becomes follows from the key; leave `.run_id(..)` and `.idempotency_key(..)` out",
            );
        }
        if !self.delay.is_zero() || self.start_at.is_some() {
            return refused(
                "when it begins follows from the period; leave `.delay(..)` and `.start_at(..)` out",
            );
        }
        Ok(Some(Debounce {
            key: key.clone(),
            period: *period,
            longest: self.debounce_max,
        }))
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
        if self.idempotency_key.is_some() || self.debounce.is_some() || self.start_at.is_some() {
            let reason = "the schedule says when its runs begin, and each firing starts one; leave \
                          `.idempotency_key(..)`, `.debounce(..)` and `.start_at(..)` out";
            return Err(Invalid::new("scheduled run of", W::SPEC.name, reason).into());
        }
        let (run, _) = self.submission()?;
        Ok(RunTemplate {
            workflow: run.workflow,
            version: run.version,
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

/// Checks that a run may be meant for a worker.
fn check_assigned(spec: &WorkflowSpec, assigned: &Assigned, is_later: bool) -> Result<(), Invalid> {
    let reason = if is_later {
        "a run that starts later is taken by whoever is free then; leave its time or `.assigned_to(..)` out"
    } else if spec.limits().are_any() {
        "runs of a workflow with limits are taken in their order, by whoever is free; leave `.assigned_to(..)` out"
    } else {
        return Ok(());
    };
    Err(Invalid::new("assignment", &assigned.name, reason))
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
