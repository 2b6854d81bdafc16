//! A store that stands still at its n-th commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sagewai::model::{
    ClaimOne, Claimed, Commit, Decided, Decision, Gate, Journal as RunJournal, Lease, NewRun,
    NewWorker, Run, RunFilter, RunId, RunKey, RunningStep, Serves, Started, Tick, Timestamp,
    Verdict, WorkerKey, WorkerRecord,
};
use sagewai::store::{AnyStore, Gates, Hints, Journal, Query, Queue, Schema, StoreResult};

/// Where it stands still.
#[derive(Debug, Clone, Copy)]
pub enum StopAt {
    /// Before the n-th commit is given to the store.
    Before(u64),
    /// When the n-th commit is stored, before its answer.
    After(u64),
}

/// Passes everything on, but for one commit.
#[derive(Debug, Clone)]
pub struct StoppingStore {
    inner: AnyStore,
    stop: StopAt,
    stopped: fn(),
    commits: Arc<AtomicU64>,
}

impl StoppingStore {
    pub fn new(inner: AnyStore, stop: StopAt, stopped: fn()) -> StoppingStore {
        StoppingStore {
            inner,
            stop,
            stopped,
            commits: Arc::default(),
        }
    }

    async fn stand_still(&self) {
        (self.stopped)();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Journal for StoppingStore {
    async fn commit(&self, commit: Commit) -> StoreResult<Verdict> {
        let n = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        if matches!(self.stop, StopAt::Before(at) if at == n) {
            self.stand_still().await;
        }
        let verdict = self.inner.commit(commit).await?;
        if matches!(self.stop, StopAt::After(at) if at == n) {
            self.stand_still().await;
        }
        Ok(verdict)
    }
    async fn start(&self, run: NewRun) -> StoreResult<Started> {
        self.inner.start(run).await
    }
    async fn journal(&self, run: &RunId) -> StoreResult<Option<RunJournal>> {
        self.inner.journal(run).await
    }
    async fn retry(&self, run: &RunId, by: &str) -> StoreResult<Option<Run>> {
        self.inner.retry(run, by).await
    }
}

#[async_trait]
impl Schema for StoppingStore {
    async fn initialize(&self) -> StoreResult<()> {
        self.inner.initialize().await
    }
    async fn check(&self) -> StoreResult<()> {
        self.inner.check().await
    }
    async fn now(&self) -> StoreResult<Timestamp> {
        self.inner.now().await
    }
    fn hints(&self) -> &Hints {
        self.inner.hints()
    }
}

#[async_trait]
impl Queue for StoppingStore {
    async fn register(&self, worker: &NewWorker) -> StoreResult<()> {
        self.inner.register(worker).await
    }
    async fn heartbeat(&self, worker: WorkerKey, running: &[RunningStep]) -> StoreResult<Lease> {
        self.inner.heartbeat(worker, running).await
    }
    async fn deregister(&self, worker: WorkerKey) -> StoreResult<()> {
        self.inner.deregister(worker).await
    }
    async fn bury(&self, worker: WorkerKey) -> StoreResult<bool> {
        self.inner.bury(worker).await
    }
    async fn tick(&self) -> StoreResult<Tick> {
        self.inner.tick().await
    }
    async fn claim(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<Vec<Claimed>> {
        self.inner.claim(worker, serves, limit).await
    }
    async fn strays(&self, worker: WorkerKey, driven: &[RunKey]) -> StoreResult<Vec<Claimed>> {
        self.inner.strays(worker, driven).await
    }
    async fn claim_one(&self, worker: WorkerKey, run: &RunId) -> StoreResult<ClaimOne> {
        self.inner.claim_one(worker, run).await
    }
}

#[async_trait]
impl Gates for StoppingStore {
    async fn decide(&self, run: &RunId, gate: &str, decision: &Decision) -> StoreResult<Decided> {
        self.inner.decide(run, gate, decision).await
    }
    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>> {
        self.inner.open_gates(limit).await
    }
}

#[async_trait]
impl Query for StoppingStore {
    async fn run(&self, run: &RunId) -> StoreResult<Option<Run>> {
        self.inner.run(run).await
    }
    async fn runs(&self, filter: &RunFilter) -> StoreResult<Vec<Run>> {
        self.inner.runs(filter).await
    }
    async fn wakes(&self, worker: WorkerKey, runs: &[RunKey]) -> StoreResult<Vec<(RunKey, i32)>> {
        self.inner.wakes(worker, runs).await
    }
    async fn workers(&self, since: Duration) -> StoreResult<Vec<WorkerRecord>> {
        self.inner.workers(since).await
    }
}
