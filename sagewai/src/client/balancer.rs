//! Chooses workers for runs before they are started.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::error::Error;
use crate::model::{
    Assigning, Balancing, Constraints, Invalid, Label, Labels, ServedWorkflow, WorkerKey,
};
use crate::store::AnyStore;
use crate::workflow::{Assignment, DEFAULT_POOL, Workflow, WorkflowCall};

/// How long a choice holds by default.
const LASTS: Duration = Duration::from_secs(5);

/// Chooses the worker that a run is meant for.
///
/// A choice is a preference: the run is started with it, and is kept for its worker for a few seconds. When that one has not
/// claimed it by then, because it is busy, paused or gone, any worker takes it. A choice counts as a run of its worker from
/// the moment it is made, in all processes, so that four choices before the first claim are four workers.
///
/// Without a balancer, workers take what they have room for, which balances by itself; it is for runs that should go to the
/// least loaded worker *at once*, rather than to the first that asks.
///
/// ```
/// # use sagewai::prelude::*;
/// # use sagewai::WorkerLoadBalancer;
/// # #[workflow] async fn render(scene: String) -> Result<String> { Ok(scene) }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let store = sagewai::store::open("memory:").await?;
/// # let client = Client::new(&store);
/// # let worker = WorkflowWorker::builder(&store).workflow(render).start().await?;
/// let balancer = WorkerLoadBalancer::new(&store);
/// let mut call = render("sunset".into());
/// if let Some(assignment) = balancer.assign(&call).await? {
///     call = call.assigned_to(&assignment);
/// }
/// let run = call.start(&client).await?;
/// # run.result().await?;
/// # worker.shutdown().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct WorkerLoadBalancer {
    store: AnyStore,
    balancing: Balancing,
    lasts: Duration,
    /// The worker that was chosen last.
    last: Arc<Mutex<Option<(String, WorkerKey)>>>,
}

impl WorkerLoadBalancer {
    /// Chooses the least loaded worker; a choice holds for 5 seconds.
    pub fn new(store: impl Into<AnyStore>) -> WorkerLoadBalancer {
        WorkerLoadBalancer {
            store: store.into(),
            balancing: Balancing::default(),
            lasts: LASTS,
            last: Arc::default(),
        }
    }

    /// Chooses nobody by itself: only the [worker](RoutingConstraints::worker) that is asked for.
    pub fn direct(mut self) -> WorkerLoadBalancer {
        self.balancing = Balancing::Direct;
        self
    }

    /// Chooses one worker after the other, by their names; each balancer, with its clones, for itself.
    pub fn round_robin(mut self) -> WorkerLoadBalancer {
        self.balancing = Balancing::RoundRobin;
        self
    }

    /// Chooses the worker of whose slots the smallest part is taken. This is the default.
    pub fn least_loaded(mut self) -> WorkerLoadBalancer {
        self.balancing = Balancing::LeastLoaded;
        self
    }

    /// Chooses the least loaded worker if less than this part of its slots is taken, and else nobody:
    /// [`THRESHOLD`](WorkerLoadBalancer::THRESHOLD) is a good one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is not between 0 and 1.
    pub fn threshold(mut self, part: f64) -> Result<WorkerLoadBalancer, Error> {
        if !(0.0..=1.0).contains(&part) {
            let reason = "it is a part of a worker's slots, so between 0 and 1";
            return Err(Invalid::new("threshold", &part.to_string(), reason).into());
        }
        self.balancing = Balancing::Threshold(part);
        Ok(self)
    }

    /// The part of a worker's slots that [`threshold`](WorkerLoadBalancer::threshold) is usually given: 0.9.
    pub const THRESHOLD: f64 = 0.9;

    /// How long a choice holds: until the run is started, and again from then until it is claimed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no time at all.
    pub fn expires_after(mut self, lasts: Duration) -> Result<WorkerLoadBalancer, Error> {
        if lasts.is_zero() {
            let reason = "no worker could ever claim in that time";
            return Err(Invalid::new("time of an assignment", "0", reason).into());
        }
        self.lasts = lasts;
        Ok(self)
    }

    /// Chooses a worker. None where no live one fits, or all that fit have too much to do: the run is then started without,
    /// and taken by whoever can.
    ///
    /// # Errors
    /// [`Error::Invalid`] for names that cannot be, [`Error::Store`].
    pub async fn assign(
        &self,
        constraints: impl Into<RoutingConstraints>,
    ) -> Result<Option<Assignment>, Error> {
        let constraints = constraints.into().0;
        crate::model::pool_name(&constraints.pool)?;
        constraints.labels.check()?;
        let ask = Assigning {
            id: Uuid::now_v7(),
            constraints,
            balancing: self.balancing,
            last: self.last().clone(),
            lasts: self.lasts,
        };
        let chosen = self.store.assign(&ask).await?;
        if let Some(chosen) = &chosen {
            *self.last() = Some((chosen.name.clone(), chosen.worker));
        }
        Ok(chosen.map(Assignment))
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<(String, WorkerKey)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked of the worker that a run is meant for. Made from a call, it asks for what the call does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingConstraints(pub(crate) Constraints);

impl Default for RoutingConstraints {
    fn default() -> RoutingConstraints {
        RoutingConstraints::new()
    }
}

impl RoutingConstraints {
    /// Any worker of the pool `default`.
    pub fn new() -> RoutingConstraints {
        RoutingConstraints(Constraints {
            pool: DEFAULT_POOL.to_owned(),
            labels: Labels::new(),
            workflow: None,
            worker: None,
        })
    }

    /// Of this pool.
    pub fn pool(mut self, pool: impl Into<String>) -> RoutingConstraints {
        self.0.pool = pool.into();
        self
    }

    /// With this label.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<Label>) -> RoutingConstraints {
        self.0.labels.insert(key, value);
        self
    }

    /// This worker and no other, by its name or its key.
    pub fn worker(mut self, worker: impl Into<String>) -> RoutingConstraints {
        self.0.worker = Some(worker.into());
        self
    }
}

impl<W: Workflow> From<&WorkflowCall<W>> for RoutingConstraints {
    fn from(call: &WorkflowCall<W>) -> RoutingConstraints {
        let (pool, labels) = call.asks();
        RoutingConstraints(Constraints {
            pool,
            labels,
            workflow: Some(ServedWorkflow {
                name: W::SPEC.name.to_owned(),
                version: W::SPEC.version,
            }),
            worker: None,
        })
    }
}
