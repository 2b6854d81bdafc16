//! One life of a worker: from its registration until it signs off or its lease is lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::health::Vitals;
use super::proof::LifeLock;
use super::reminder::OnReminder;
use crate::clock::{Backoff, StoreClock};
use crate::credentials::WorkerCredentials;
use crate::model::{
    Beat, Commit, Labels, Lease, NewWorker, Position, Program, QueueName, Registered, Run, RunId,
    RunKey, RunState, RunningStep, Serves, Verdict, WorkerKey, WorkerRecord,
};
use crate::store::{AnyStore, StoreError, StoreResult};
use crate::workflow::Registry;

/// How a worker is set up; the same for all its lives.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) store: AnyStore,
    pub(crate) registry: Registry,
    pub(crate) name: String,
    /// Whether the name is its own.
    pub(crate) exclusive: bool,
    /// That of the program.
    pub(crate) version: Option<String>,
    /// Whether it drives one certain run, and its steps, whatever they ask for.
    pub(crate) in_place: bool,
    pub(crate) pool: String,
    pub(crate) labels: Labels,
    pub(crate) credentials: Option<Arc<WorkerCredentials>>,
    pub(crate) concurrency: usize,
    /// None: as often as it takes.
    pub(crate) poll_interval: Option<Duration>,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) lease: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) max_claims: i32,
    pub(crate) cancel_grace: Duration,
    pub(crate) on_reminder: OnReminder,
    /// What it notes of itself.
    pub(crate) vitals: Arc<Vitals>,
}

impl Setup {
    /// Whether runs of a queue may be driven here, as far as it asks for a worker.
    pub(crate) fn takes(&self, queue: &QueueName) -> bool {
        self.in_place || (self.pool == queue.pool && self.labels.contain(&queue.labels))
    }

    fn program(&self) -> Program {
        Program {
            version: self.version.clone(),
            host: whoami::hostname().unwrap_or_default(),
            pid: std::process::id(),
            workflows: self.registry.served(),
        }
    }
}

/// What became of the wish to begin a life.
pub(crate) enum Begun {
    /// It has begun.
    Life(Box<Life>),
    /// Another life has the name.
    NameHeld(Box<WorkerRecord>),
}

/// What all tasks of one life share.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) setup: Setup,
    pub(crate) key: WorkerKey,
    pub(crate) clock: StoreClock,
    /// When the lease was last known to be extended.
    extended: Mutex<Instant>,
    executing: Mutex<HashMap<(RunKey, Position), Executing>>,
    lost: Notify,
    /// How often people had wanted something of workers before it registered.
    pub(crate) wishes_before: u64,
    /// Held for as long as this process lives; see [`super::proof`].
    _lock: Option<LifeLock>,
}

#[derive(Debug)]
struct Executing {
    run: RunId,
    attempt: u32,
    since: Instant,
}

/// A heartbeat names at most this many steps, so that its row stays small.
const STEPS_NAMED_MAX: usize = 1_000;

impl Life {
    /// Registers a new life, if its name is free.
    pub(crate) async fn begin(setup: &Setup) -> StoreResult<Begun> {
        let key = WorkerKey::generate();
        let lock = LifeLock::take(key);
        let now = setup.store.now().await?;
        let wishes_before = setup.store.hints().wishes();
        let registered = setup
            .store
            .register(&NewWorker {
                key,
                name: setup.name.clone(),
                exclusive: setup.exclusive,
                pool: setup.pool.clone(),
                labels: setup.labels.clone(),
                slots: u32::try_from(setup.concurrency).unwrap_or(u32::MAX),
                lease: setup.lease,
                host: lock
                    .as_ref()
                    .map(|lock| lock.host().to_owned())
                    .unwrap_or_default(),
                program: setup.program(),
            })
            .await?;
        if let Registered::NameHeld(holder) = registered {
            return Ok(Begun::NameHeld(holder));
        }
        tracing::info!(worker = %setup.name, key = %key, "worker registered");
        Ok(Begun::Life(Box::new(Life {
            setup: setup.clone(),
            key,
            clock: StoreClock::new(now),
            extended: Mutex::new(Instant::now()),
            executing: Mutex::default(),
            lost: Notify::new(),
            wishes_before,
            _lock: lock,
        })))
    }

    /// Extends the lease and tells what is being executed.
    pub(crate) async fn heartbeat(&self) -> StoreResult<Lease> {
        let running = self.executing_now();
        let asked = Instant::now();
        let lease = self.setup.store.heartbeat(self.key, &running).await?;
        if lease == Lease::Kept {
            self.extended_at(asked);
        }
        self.clock.set(self.setup.store.now().await?);
        Ok(lease)
    }

    /// The same, a look at the clock, and one for work, at once.
    pub(crate) async fn beat(&self, serves: &Serves) -> StoreResult<Beat> {
        let running = self.executing_now();
        let asked = Instant::now();
        let beat = self.setup.store.beat(self.key, serves, &running).await?;
        match beat.lease {
            Lease::Kept => self.extended_at(asked),
            Lease::Lost => self.lost.notify_one(),
        }
        self.clock.set(beat.now);
        Ok(beat)
    }

    /// Returns when a beat found the lease lost.
    pub(crate) async fn lost(&self) {
        self.lost.notified().await;
    }

    fn extended_at(&self, at: Instant) {
        *self.extended.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// How long ago the lease was extended, as far as this process knows.
    pub(crate) fn since_extended(&self) -> Duration {
        let extended = self.extended.lock().unwrap_or_else(PoisonError::into_inner);
        extended.elapsed()
    }

    /// Writes a commit, however long the store is away. [`Verdict::Fenced`] means that the run is not this
    /// worker's any more, and is returned only then.
    ///
    /// # Errors
    /// What the store refuses again and again; it is not [`StoreError::Unavailable`].
    pub(crate) async fn commit(&self, run: &Run, commit: Commit) -> StoreResult<Verdict> {
        let mut backoff = Backoff::new();
        let mut refusals = 0;
        loop {
            match self.setup.store.commit(commit.clone()).await {
                Ok(Verdict::Fenced) => match self.is_still_ours(run).await {
                    // The lease had passed unnoticed, nobody took it, and it is extended now.
                    Ok(true) => {}
                    Ok(false) => return Ok(Verdict::Fenced),
                    Err(error) => self.note(run, &error),
                },
                Ok(verdict) => return Ok(verdict),
                Err(error) => {
                    self.note(run, &error);
                    if !error.is_transient() {
                        refusals += 1;
                    }
                    // A full disk may be emptied; what is refused five times in a row is refused for good.
                    if refusals == 5 {
                        return Err(error);
                    }
                }
            }
            backoff.pause().await;
        }
    }

    async fn is_still_ours(&self, run: &Run) -> StoreResult<bool> {
        if self.heartbeat().await? == Lease::Lost {
            return Ok(false);
        }
        let found = self.setup.store.run(&run.id).await?;
        Ok(found.is_some_and(|found| {
            found.state == RunState::Running
                && found.epoch == run.epoch
                && found.worker == Some(self.key)
        }))
    }

    fn note(&self, run: &Run, error: &StoreError) {
        tracing::warn!(run = %run.id, worker = %self.setup.name, %error, "commit not written yet");
    }

    /// Notes that a step begins, until the guard is dropped.
    pub(crate) fn executing(&self, run: &RunId, position: &Position, attempt: u32) -> Noted<'_> {
        let key = (run.key(), position.clone());
        let executing = Executing {
            run: run.clone(),
            attempt,
            since: Instant::now(),
        };
        self.table().insert(key.clone(), executing);
        Noted { life: self, key }
    }

    fn executing_now(&self) -> Vec<RunningStep> {
        let table = self.table();
        let steps = table.iter().take(STEPS_NAMED_MAX);
        steps
            .map(|((_, position), executing)| RunningStep {
                run: executing.run.clone(),
                position: position.clone(),
                attempt: executing.attempt,
                for_ms: u64::try_from(executing.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            })
            .collect()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<(RunKey, Position), Executing>> {
        // The table is whole at every moment, so a panic elsewhere does not make it unusable.
        self.executing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives, heartbeats name the step.
pub(crate) struct Noted<'a> {
    life: &'a Life,
    key: (RunKey, Position),
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.life.table().remove(&self.key);
    }
}
