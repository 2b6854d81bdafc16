//! The queue and its writers, with a database that says what the test wants.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::{Batch, CROWD, Flush, Flushed, GroupCommit, News};
use crate::model::{
    Beyond, Commit, Header, Json, Labels, NewRun, Park, RunId, RunKey, Then, Verdict, Waiting,
    WorkerKey,
};
use crate::store::StoreError;
use crate::store::failure::Failure;

/// A database that writes one batch for each permit, and refuses batches that hold a bad run.
#[derive(Clone)]
struct Fake {
    permits: Arc<Semaphore>,
    batches: mpsc::UnboundedSender<Vec<RunKey>>,
    bad: Arc<HashSet<RunKey>>,
    refusal: fn() -> sqlx::Error,
    news: Arc<Mutex<Vec<News>>>,
}

impl Flush for Fake {
    async fn flush(&mut self, batch: &Batch) -> Result<Flushed, Failure> {
        self.permits.acquire().await.unwrap().forget();
        let starts = batch.starts.iter().map(|run| run.id.key());
        let runs: Vec<RunKey> = starts.chain(batch.commits.iter().map(|c| c.run)).collect();
        // The test may be over.
        let _ = self.batches.send(runs.clone());
        if runs.iter().any(|run| self.bad.contains(run)) {
            return Err((self.refusal)().into());
        }
        Ok(Flushed {
            created: vec![true; batch.starts.len()],
            verdicts: vec![Some(Verdict::Committed); batch.commits.len()],
        })
    }

    fn announce(&self, news: News) {
        self.news.lock().unwrap().push(news);
    }
}

struct Scene {
    group: Arc<GroupCommit<Fake>>,
    fake: Fake,
    batches: mpsc::UnboundedReceiver<Vec<RunKey>>,
}

impl Scene {
    fn new(writers: usize, bad: &[RunKey], refusal: fn() -> sqlx::Error) -> Scene {
        let (sender, batches) = mpsc::unbounded_channel();
        let fake = Fake {
            permits: Arc::new(Semaphore::new(0)),
            batches: sender,
            bad: Arc::new(bad.iter().copied().collect()),
            refusal,
            news: Arc::default(),
        };
        let factory = fake.clone();
        let group = GroupCommit::new("fake:".to_owned(), writers, move || factory.clone());
        Scene {
            group: Arc::new(group),
            fake,
            batches,
        }
    }

    /// Gives a commit in a task of its own, and waits until it is in the queue or taken from it.
    async fn give(
        &self,
        run: RunKey,
    ) -> tokio::task::JoinHandle<Result<Option<Verdict>, StoreError>> {
        let before = self.given();
        let group = self.group.clone();
        let giving = tokio::spawn(async move { group.commit(commit(run)).await });
        while self.given() == before {
            tokio::task::yield_now().await;
        }
        giving
    }

    fn waiting(&self) -> usize {
        self.group.shared.state().waiting.len()
    }

    fn given(&self) -> usize {
        let state = self.group.shared.state();
        state.waiting.len() + state.busy.len()
    }

    async fn batch(&mut self) -> Vec<RunKey> {
        let batch = timeout(Duration::from_secs(10), self.batches.recv()).await;
        batch.expect("a batch is written").expect("the fake lives")
    }
}

fn gone() -> sqlx::Error {
    sqlx::Error::PoolClosed
}

fn refused() -> sqlx::Error {
    sqlx::Error::RowNotFound
}

fn key() -> RunKey {
    RunId::generate().key()
}

fn commit(run: RunKey) -> Arc<Commit> {
    Arc::new(Commit {
        run,
        epoch: 1,
        worker: WorkerKey::generate(),
        checkpoints: Vec::new(),
        events: Vec::new(),
        gates: Vec::new(),
        beyond: Beyond::default(),
        then: Then::Continue,
    })
}

#[tokio::test]
async fn what_gathers_while_one_batch_is_on_its_way_is_the_next_one() {
    // A second writer does not halve it.
    for writers in [1, 2] {
        what_gathers_is_the_next_batch(Scene::new(writers, &[], gone)).await;
    }
}

async fn what_gathers_is_the_next_batch(mut scene: Scene) {
    let keys = [key(), key(), key(), key()];
    let mut giving = Vec::new();
    for run in keys {
        giving.push(scene.give(run).await);
        // The first one is taken before there is a second.
        while scene.group.shared.state().busy.is_empty() {
            tokio::task::yield_now().await;
        }
    }
    scene.fake.permits.add_permits(2);
    assert_eq!(scene.batch().await, [keys[0]]);
    assert_eq!(scene.batch().await, keys[1..]);
    for given in giving {
        assert_eq!(given.await.unwrap().unwrap(), Some(Verdict::Committed));
    }
}

#[tokio::test]
async fn second_writer_takes_a_crowd_while_the_first_one_waits() {
    let mut scene = Scene::new(2, &[], gone);
    let mut giving = Vec::new();
    for _ in 0..=CROWD {
        giving.push(scene.give(key()).await);
        while scene.group.shared.state().busy.is_empty() {
            tokio::task::yield_now().await;
        }
    }
    while scene.waiting() > 0 {
        tokio::task::yield_now().await;
    }
    scene.fake.permits.add_permits(2);
    assert_eq!(
        [scene.batch().await.len(), scene.batch().await.len()],
        [1, CROWD]
    );
    for given in giving {
        assert_eq!(given.await.unwrap().unwrap(), Some(Verdict::Committed));
    }
}

#[tokio::test]
async fn commits_of_one_run_keep_their_order_also_with_several_writers() {
    let mut scene = Scene::new(2, &[], gone);
    let (run, other) = (key(), key());
    let first = scene.give(run).await;
    let second = scene.give(run).await;
    let beside = scene.give(other).await;
    scene.fake.permits.add_permits(3);
    let mut written = Vec::new();
    for given in [first, second, beside] {
        given.await.unwrap().unwrap();
    }
    while let Ok(batch) = scene.batches.try_recv() {
        written.push(batch);
    }
    let of_run = written.iter().filter(|batch| batch.contains(&run)).count();
    assert_eq!(of_run, 2, "never two of one run in one batch: {written:?}");
}

#[tokio::test]
async fn one_at_fault_does_not_fail_its_neighbours() {
    let keys: Vec<RunKey> = (0..9).map(|_| key()).collect();
    let scene = Scene::new(1, &keys[4..5], refused);
    let mut giving = Vec::new();
    for run in &keys {
        giving.push(scene.give(*run).await);
    }
    scene.fake.permits.add_permits(1_000);
    for (n, given) in giving.into_iter().enumerate() {
        match (n, given.await.unwrap()) {
            (4, answer) => assert!(matches!(answer, Err(StoreError::Refused { .. }))),
            (_, answer) => assert_eq!(answer.unwrap(), Some(Verdict::Committed)),
        }
    }
}

#[tokio::test]
async fn outage_is_told_to_all_of_a_batch_without_writing_it_in_parts() {
    let keys = [key(), key(), key()];
    let mut scene = Scene::new(1, &keys[1..2], gone);
    let blocker = scene.give(keys[0]).await;
    let (first, second) = (scene.give(keys[1]).await, scene.give(keys[2]).await);
    scene.fake.permits.add_permits(1_000);
    blocker.await.unwrap().unwrap();
    for given in [first, second] {
        assert!(given.await.unwrap().unwrap_err().is_transient());
    }
    assert_eq!(scene.batch().await.len(), 1);
    assert_eq!(scene.batch().await.len(), 2);
    assert!(scene.batches.try_recv().is_err());
}

#[tokio::test]
async fn caller_that_is_cancelled_does_no_harm() {
    let mut scene = Scene::new(1, &[], gone);
    let (run, other) = (key(), key());
    let cancelled = scene.give(run).await;
    cancelled.abort();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    let kept = scene.give(other).await;
    scene.fake.permits.add_permits(2);
    assert_eq!(kept.await.unwrap().unwrap(), Some(Verdict::Committed));
    // It was written all the same, and its run is free again.
    assert!(scene.batch().await.contains(&run));
    let again = scene.give(run).await;
    scene.fake.permits.add_permits(1);
    assert_eq!(again.await.unwrap().unwrap(), Some(Verdict::Committed));
}

#[tokio::test]
async fn writers_end_with_the_last_handle() {
    let scene = Scene::new(2, &[], gone);
    let given = scene.give(key()).await;
    scene.fake.permits.add_permits(1);
    given.await.unwrap().unwrap();
    let Scene {
        group,
        fake,
        mut batches,
    } = scene;
    drop(fake);
    drop(group);
    // The fakes of the writers hold the senders.
    let end = timeout(Duration::from_secs(10), async {
        while batches.recv().await.is_some() {}
    });
    end.await.expect("the writers have ended");
}

#[test]
fn handle_that_outlives_a_runtime_writes_in_the_next_one() {
    let scene = Scene::new(2, &[], gone);
    scene.fake.permits.add_permits(2);
    for _ in 0..2 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let answer = runtime.block_on(scene.group.commit(commit(key())));
        assert_eq!(answer.unwrap(), Some(Verdict::Committed));
    }
}

#[tokio::test]
async fn news_are_of_work_and_of_runs_that_stopped() {
    let scene = Scene::new(1, &[], gone);
    scene.fake.permits.add_permits(3);
    let run = NewRun {
        id: RunId::generate(),
        workflow: "article".to_owned(),
        version: 1,
        pool: "default".to_owned(),
        labels: Labels::new(),
        priority: 0,
        concurrency_key: None,
        input: Json::null(),
        fingerprint: 0,
        delay: Duration::ZERO,
        assigned: None,
        not_before: None,
        header: Header::default(),
    };
    assert!(scene.group.start(Arc::new(run)).await.unwrap());
    let goes_on = commit(key());
    scene.group.commit(goes_on).await.unwrap();
    let parked = Commit {
        then: Then::Park(Park {
            waiting: Waiting::Gate {
                gate: "review".to_owned(),
            },
            wake_after: None,
            wakes: 0,
        }),
        ..(*commit(key())).clone()
    };
    let stopped = parked.run;
    scene.group.commit(Arc::new(parked)).await.unwrap();
    // The last announcement comes after its answer.
    while scene.fake.news.lock().unwrap().len() < 3 {
        tokio::task::yield_now().await;
    }
    let news = std::mem::take(&mut *scene.fake.news.lock().unwrap());
    let of = |work, runs| News {
        work,
        due: false,
        runs,
    };
    assert_eq!(
        news,
        [
            of(true, vec![]),
            of(false, vec![]),
            of(false, vec![(stopped, None)])
        ]
    );
}
