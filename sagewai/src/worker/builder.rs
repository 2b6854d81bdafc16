//! How a worker is set up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::WorkflowWorker;
use super::dispatch::dispatch;
use super::handle::{Stop, WorkerHandle};
use super::health::HealthWatch;
use super::identity::begin_life;
use super::life::Setup;
use super::reminder::{OnReminder, Reminded};
#[cfg(feature = "schedules")]
use super::schedules;
use super::signals::EndSignals;
use crate::credentials::WorkerCredentials;
use crate::error::Error;
use crate::model::{Label, Labels, WorkerKey};
use crate::store::AnyStore;
#[cfg(feature = "schedules")]
use crate::workflow::Schedule;
use crate::workflow::{DEFAULT_POOL, Definition, Registry, Workflow, WorkflowFn};

impl WorkflowWorker {
    /// A worker on this store, to be set up.
    pub fn builder(store: impl Into<AnyStore>) -> WorkerBuilder {
        WorkerBuilder {
            setup: defaults(store.into()),
            #[cfg(feature = "schedules")]
            schedules: Vec::new(),
            wrong: None,
        }
    }
}

fn defaults(store: AnyStore) -> Setup {
    Setup {
        store,
        registry: Registry::default(),
        name: String::new(),
        exclusive: false,
        version: None,
        in_place: false,
        pool: DEFAULT_POOL.to_owned(),
        labels: Labels::new(),
        credentials: None,
        concurrency: 100,
        poll_interval: None,
        heartbeat_interval: Duration::from_secs(10),
        lease: Duration::from_secs(30),
        drain_timeout: Duration::from_secs(30),
        max_claims: 5,
        cancel_grace: Duration::from_secs(5),
        on_reminder: OnReminder::default(),
        vitals: Arc::default(),
    }
}

/// The set-up of a process that drives one run without serving others.
pub(crate) fn setup_in_place(store: &AnyStore, definition: Definition) -> Setup {
    let mut setup = defaults(store.clone());
    // The first one cannot clash.
    let _ = setup.registry.add(definition);
    setup.name = generated_name();
    setup.in_place = true;
    setup.concurrency = 1;
    setup
}

fn generated_name() -> String {
    let draw = WorkerKey::generate().to_string();
    format!("{}-{}", std::process::id(), &draw[draw.len() - 6..])
}

/// Sets up a worker. What is wrong with the set-up is said when it starts.
#[must_use = "a worker does nothing unless it is started"]
#[derive(Debug)]
pub struct WorkerBuilder {
    setup: Setup,
    #[cfg(feature = "schedules")]
    schedules: Vec<Schedule>,
    wrong: Option<Error>,
}

impl WorkerBuilder {
    /// Serves this workflow in its version: pass the function itself. Runs of workflows and versions that a worker does not
    /// serve are left to others. Two functions of one name and different versions may stand side by side.
    pub fn workflow<Arguments, F: WorkflowFn<Arguments>>(self, _workflow: F) -> WorkerBuilder {
        self.serve::<F::Workflow>()
    }

    /// Serves the workflow of this type.
    pub(crate) fn serve<W: Workflow>(mut self) -> WorkerBuilder {
        let new = Definition::of::<W>();
        if let Err(held) = self.setup.registry.add(new) {
            self.wrong(Error::Worker {
                reason: format!(
                    "two workflows are named `{}` in version {}: `{}::{}` and `{}::{}`; rename one with \
                     `#[workflow(name = \"..\")]`, or give it another `version`",
                    new.name, new.version, held.module, held.function, new.module, new.function
                ),
            });
        }
        self
    }

    /// Puts this schedule into the store when the worker starts, as [`put`] does: what was put before under its name is
    /// replaced where it differs. Its workflow must be one that this worker serves.
    ///
    /// [`put`]: crate::client::Schedules::put
    #[cfg(feature = "schedules")]
    pub fn schedule(mut self, schedule: Schedule) -> WorkerBuilder {
        self.schedules.push(schedule);
        self
    }

    /// Its name, which is its own: a worker of a name that a living one has does not start. Started again after a crash, it
    /// waits until that life is known to be over: its process is gone, or its lease has passed. By default the name is
    /// made of the process id and a draw.
    pub fn name(mut self, name: impl Into<String>) -> WorkerBuilder {
        self.setup.name = name.into();
        self.setup.exclusive = true;
        self
    }

    /// The version of the program, as [`Client::workers`](crate::Client::workers) shows it: `env!("CARGO_PKG_VERSION")`, for
    /// instance. None by default. It has nothing to do with the versions of workflows.
    pub fn version(mut self, version: impl Into<String>) -> WorkerBuilder {
        self.setup.version = Some(version.into());
        self
    }

    /// The pool it belongs to; `default` by default. It serves runs of this pool only.
    pub fn pool(mut self, pool: impl Into<String>) -> WorkerBuilder {
        self.setup.pool = pool.into();
        self
    }

    /// Something it offers; runs that ask for more are left to others.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<Label>) -> WorkerBuilder {
        self.setup.labels.insert(key, value);
        self
    }

    /// All it offers, as a JSON object: `{"zone": "eu", "gpu": true}`. Replaces labels given before.
    pub fn labels(mut self, labels: serde_json::Value) -> WorkerBuilder {
        match Labels::from_json(labels) {
            Ok(labels) => self.setup.labels = labels,
            Err(invalid) => self.wrong(invalid.into()),
        }
        self
    }

    /// What its steps find in [`worker_credentials`](crate::worker_credentials): models, how they are reached, secrets.
    /// They stay in this process. Given again, they are merged field by field, and the later ones win.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a builder takes what it is given"
    )]
    pub fn credentials(mut self, credentials: WorkerCredentials) -> WorkerBuilder {
        let held = self.setup.credentials.take();
        let held = held.map(Arc::unwrap_or_clone).unwrap_or_default();
        self.setup.credentials = Some(Arc::new(held.overridden_by(&credentials)));
        self
    }

    /// How many runs it drives at once; 100 by default. Sleeping runs do not count.
    pub fn concurrency(mut self, runs: usize) -> WorkerBuilder {
        self.setup.concurrency = runs;
        self
    }

    /// How often it looks for work when no hint comes. By default with its heartbeats, and each 2 seconds while it
    /// cannot hear what other processes tell.
    pub fn poll_interval(mut self, interval: Duration) -> WorkerBuilder {
        self.setup.poll_interval = Some(interval);
        self
    }

    /// How often it extends its lease; 10 seconds by default, at most a half of the lease.
    pub fn heartbeat_interval(mut self, interval: Duration) -> WorkerBuilder {
        self.setup.heartbeat_interval = interval;
        self
    }

    /// How long its runs stay its own after its last heartbeat; 30 seconds by default. The shorter, the sooner
    /// others take over from a worker that is cut off; the longer, the longer it may be cut off and go on.
    pub fn lease(mut self, lease: Duration) -> WorkerBuilder {
        self.setup.lease = lease;
        self
    }

    /// How long a shutdown waits for steps that are being executed; 30 seconds by default.
    pub fn drain_timeout(mut self, limit: Duration) -> WorkerBuilder {
        self.setup.drain_timeout = limit;
        self
    }

    /// How many workers may die with a run, without progress between, before it is given up; 5 by default.
    pub fn max_claims(mut self, claims: u32) -> WorkerBuilder {
        self.setup.max_claims = i32::try_from(claims).unwrap_or(i32::MAX);
        self
    }

    /// How long steps of a run that was cancelled may go on after their
    /// [token](crate::StepContext::cancelled) was tripped, before they are aborted; 5 seconds by default.
    pub fn cancel_grace(mut self, limit: Duration) -> WorkerBuilder {
        self.setup.cancel_grace = limit;
        self
    }

    /// What to do when nobody has decided at a gate for as long as its
    /// [`remind_every`](crate::ApprovalGate::remind_every) says: write a mail, for instance. It is called on a task of
    /// the worker, so hand long work to one of your own. After a crash it may be called again for the same reminder.
    pub fn on_reminder(
        mut self,
        tell: impl Fn(&Reminded) + Send + Sync + 'static,
    ) -> WorkerBuilder {
        self.setup.on_reminder = OnReminder::new(tell);
        self
    }

    /// Starts it in the background.
    ///
    /// # Errors
    /// [`Error::Worker`] and [`Error::Invalid`] for a set-up that cannot work, [`Error::Store`] where the store
    /// cannot be reached or its tables are missing. [`Error::Worker`] too where a living worker has its
    /// [name](WorkerBuilder::name).
    pub async fn start(self) -> Result<WorkerHandle, Error> {
        #[cfg(feature = "schedules")]
        let schedules = self.schedules.clone();
        let setup = self.checked()?;
        #[cfg(feature = "schedules")]
        schedules::check_served(&schedules, &setup.registry)?;
        setup.store.check().await?;
        #[cfg(feature = "schedules")]
        schedules::put_all(&setup.store, schedules).await?;
        let life = begin_life(&setup).await?;
        let (stop, stopped) = watch::channel(Stop::No);
        let health = HealthWatch::new(&setup.name, setup.lease, &setup.store, &setup.vitals);
        let task = tokio::spawn(dispatch(life, stopped));
        Ok(WorkerHandle {
            name: setup.name,
            health,
            stop,
            task: Some(task),
        })
    }

    /// Runs it until SIGTERM or SIGINT, then shuts it down; or until it is [drained](crate::Workers::drain) from outside. A second signal gives everything back at once.
    ///
    /// # Errors
    /// As [`start`](WorkerBuilder::start) and [`shutdown`](WorkerHandle::shutdown).
    pub async fn run(self) -> Result<(), Error> {
        let signals = EndSignals::listen()?;
        self.start().await?.until(signals).await
    }

    fn wrong(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }

    fn checked(mut self) -> Result<Setup, Error> {
        if let Some(error) = self.wrong.take() {
            return Err(error);
        }
        let mut setup = self.setup;
        if setup.name.is_empty() {
            setup.name = generated_name();
        }
        crate::model::worker_name(&setup.name)?;
        crate::model::pool_name(&setup.pool)?;
        if let Some(version) = &setup.version {
            crate::model::program_version(version)?;
        }
        setup.labels.check()?;
        let reason = if setup.registry.is_empty() {
            "it serves no workflow; name at least one with `.workflow(f)`"
        } else if setup.concurrency == 0 {
            "a concurrency of 0 would never run anything"
        } else if setup.poll_interval.is_some_and(|i| i.is_zero())
            || setup.heartbeat_interval.is_zero()
        {
            "an interval of 0 would ask the store without end"
        } else if setup.heartbeat_interval > setup.lease / 2 {
            "the heartbeat interval is more than half of the lease, so one late heartbeat would lose its runs"
        } else {
            return Ok(setup);
        };
        Err(Error::Worker {
            reason: reason.to_owned(),
        })
    }
}
