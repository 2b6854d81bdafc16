//! A store whose writes are watched on their way.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sagewai::model::{
    Act, Admission, Answer, Assigned, Assigning, Backlog, Beat, ClaimOne, Claimed, Commit,
    DueSchedules, Gate, History, Journal as RunJournal, Lease, LimitedClaim, Limits, Messages,
    NewRun, NewWorker, Outcome, Registered, Run, RunFilter, RunId, RunKey, RunState, RunningStep,
    ScheduleRecord, Serves, StartRules, Started, Tick, Timestamp, Verdict, Wish, WorkerKey,
    WorkerRecord,
};
use sagewai::store::{
    AnyStore, Fleet, Hints, Journal, Outside, Query, Queue, Schedules, Schema, StoreResult,
};

/// Looks at commits on their way, and may never let them pass.
#[async_trait]
pub trait CommitWatch: std::fmt::Debug + Send + Sync + 'static {
    /// Before a commit is given to the store.
    async fn before(&self, commit: &Commit);
    /// When it is stored and its answer is on its way.
    async fn after(&self, commit: &Commit, verdict: Verdict);
    /// Before a schedule is given to the store.
    async fn before_schedule(&self, _record: &ScheduleRecord) {}
    /// When it is stored and its answer is on its way.
    async fn after_schedule(&self, _record: &ScheduleRecord) {}
    /// When a look for due schedules is on its way.
    async fn looks_for_schedules(&self) {}
}

/// Does not look.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl CommitWatch for Nobody {
    async fn before(&self, _: &Commit) {}
    async fn after(&self, _: &Commit, _: Verdict) {}
}

/// A store under a watch. Passes everything else on.
#[derive(Debug, Clone)]
pub struct WatchedStore {
    inner: AnyStore,
    watch: Arc<dyn CommitWatch>,
    /// Where nobody ever tells anything, for a store whose hints are lost.
    deaf: Option<Hints>,
}

impl WatchedStore {
    /// Watches the commits to `inner`.
    pub fn new(inner: AnyStore, watch: Arc<dyn CommitWatch>) -> WatchedStore {
        WatchedStore {
            inner,
            watch,
            deaf: None,
        }
    }

    /// The same store to somebody whom no hint reaches.
    pub fn deaf(inner: AnyStore) -> WatchedStore {
        WatchedStore {
            inner,
            watch: Arc::new(Nobody),
            deaf: Some(Hints::new()),
        }
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
    async fn admit(&self, run: NewRun, rules: &StartRules) -> StoreResult<Admission> {
        self.inner.admit(run, rules).await
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
        self.deaf.as_ref().unwrap_or_else(|| self.inner.hints())
    }
}

#[async_trait]
impl Queue for WatchedStore {
    async fn register(&self, worker: &NewWorker) -> StoreResult<Registered> {
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
    async fn claim_limited(
        &self,
        worker: WorkerKey,
        serves: &Serves,
        limit: u32,
    ) -> StoreResult<LimitedClaim> {
        self.inner.claim_limited(worker, serves, limit).await
    }
    async fn claim_one(
        &self,
        worker: WorkerKey,
        run: &RunId,
        limits: &Limits,
    ) -> StoreResult<ClaimOne> {
        self.inner.claim_one(worker, run, limits).await
    }
}

#[async_trait]
impl Fleet for WatchedStore {
    async fn wish(&self, worker: WorkerKey, wish: Wish) -> StoreResult<bool> {
        self.inner.wish(worker, wish).await
    }
    async fn wished(&self, worker: WorkerKey) -> StoreResult<Option<Wish>> {
        self.inner.wished(worker).await
    }
    async fn backlog(&self) -> StoreResult<Vec<Backlog>> {
        self.inner.backlog().await
    }
    async fn assign(&self, ask: &Assigning) -> StoreResult<Option<Assigned>> {
        self.inner.assign(ask).await
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
impl Schedules for WatchedStore {
    async fn save_schedule(&self, record: &ScheduleRecord, over: Option<i64>) -> StoreResult<bool> {
        self.watch.before_schedule(record).await;
        let saved = self.inner.save_schedule(record, over).await?;
        self.watch.after_schedule(record).await;
        Ok(saved)
    }
    async fn delete_schedule(&self, name: &str) -> StoreResult<bool> {
        self.inner.delete_schedule(name).await
    }
    async fn schedule(&self, name: &str) -> StoreResult<Option<ScheduleRecord>> {
        self.inner.schedule(name).await
    }
    async fn schedules(&self) -> StoreResult<Vec<ScheduleRecord>> {
        self.inner.schedules().await
    }
    async fn due_schedules(&self, limit: u32) -> StoreResult<DueSchedules> {
        self.watch.looks_for_schedules().await;
        self.inner.due_schedules(limit).await
    }
}

#[async_trait]
impl Query for WatchedStore {
    async fn run(&self, run: &RunId) -> StoreResult<Option<Run>> {
        self.inner.run(run).await
    }
    async fn history(&self, run: &RunId) -> StoreResult<Option<History>> {
        self.inner.history(run).await
    }
    async fn runs(&self, filter: &RunFilter) -> StoreResult<Vec<Run>> {
        self.inner.runs(filter).await
    }
    async fn counts(&self) -> StoreResult<Vec<(RunState, u64)>> {
        self.inner.counts().await
    }
    async fn wakes(&self, worker: WorkerKey, runs: &[RunKey]) -> StoreResult<Vec<(RunKey, i32)>> {
        self.inner.wakes(worker, runs).await
    }
    async fn workers(&self, since: Duration) -> StoreResult<Vec<WorkerRecord>> {
        self.inner.workers(since).await
    }
}
