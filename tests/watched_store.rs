//! A store whose commits are watched on their way.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sagewai::model::{
    Act, Answer, Beat, ClaimOne, Claimed, Commit, Gate, Journal as RunJournal, Lease, Messages,
    NewRun, NewWorker, Outcome, Run, RunFilter, RunId, RunKey, RunningStep, Serves, Started, Tick,
    Timestamp, Verdict, WorkerKey, WorkerRecord,
};
use sagewai::store::{AnyStore, Hints, Journal, Outside, Query, Queue, Schema, StoreResult};

/// Looks at commits on their way, and may never let them pass.
#[async_trait]
pub trait CommitWatch: std::fmt::Debug + Send + Sync + 'static {
    /// Before a commit is given to the store.
    async fn before(&self, commit: &Commit);
    /// When it is stored and its answer is on its way.
    async fn after(&self, commit: &Commit, verdict: Verdict);
}

/// A store under a watch. Passes everything else on.
#[derive(Debug, Clone)]
pub struct WatchedStore {
    inner: AnyStore,
    watch: Arc<dyn CommitWatch>,
}

impl WatchedStore {
    /// Watches the commits to `inner`.
    pub fn new(inner: AnyStore, watch: Arc<dyn CommitWatch>) -> WatchedStore {
        WatchedStore { inner, watch }
    }
}

#[async_trait]
impl Journal for WatchedStore {
    async fn commit(&self, commit: Commit) -> StoreResult<Verdict> {
        self.watch.before(&commit).await;
        let verdict = self.inner.commit(commit.clone()).await?;
        self.watch.after(&commit, verdict).await;
        Ok(verdict)
    }
    async fn start(&self, run: NewRun) -> StoreResult<Started> {
        self.inner.start(run).await
    }
    async fn journal(&self, run: &RunId) -> StoreResult<Option<RunJournal>> {
        self.inner.journal(run).await
    }
    async fn output(&self, run: &RunId) -> StoreResult<Option<Outcome>> {
        self.inner.output(run).await
    }
}

#[async_trait]
impl Schema for WatchedStore {
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
impl Queue for WatchedStore {
    async fn register(&self, worker: &NewWorker) -> StoreResult<()> {
        self.inner.register(worker).await
    }
    async fn heartbeat(&self, worker: WorkerKey, running: &[RunningStep]) -> StoreResult<Lease> {
        self.inner.heartbeat(worker, running).await
    }
    async fn beat(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        running: &[RunningStep],
    ) -> StoreResult<Beat> {
        self.inner.beat(worker, serves, running).await
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
impl Outside for WatchedStore {
    async fn act(&self, run: &RunId, act: &Act) -> StoreResult<Answer> {
        self.inner.act(run, act).await
    }
    async fn messages(&self, run: &RunId) -> StoreResult<Option<Messages>> {
        self.inner.messages(run).await
    }
    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>> {
        self.inner.open_gates(limit).await
    }
}

#[async_trait]
impl Query for WatchedStore {
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
