//! What every case needs: runs, workers, commits, and a way to let time pass.

use std::time::{Duration, Instant};

use crate::error::Fault;
use crate::model::{
    Act, Answer, Beyond, CheckpointKind, Claimed, Commit, Ending, GateRequest, GateRules, Header,
    Journal, Json, Labels, Lease, Messages, NewCheckpoint, NewRun, NewSignal, NewWorker, Outcome,
    Park, Position, Program, Run, RunId, RunState, Serves, Started, Then, Verdict, Vote, Voted,
    Waiting, WorkerKey, digest,
};
use crate::store::AnyStore;

/// How long anything that must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A lease that does not pass while a case runs.
pub(super) const LONG: Duration = Duration::from_mins(10);

pub(super) const WORKFLOW: &str = "article";
pub(super) const POOL: &str = "default";

/// A store with its tables, and verbs of cases.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) store: AnyStore,
}

impl Scene {
    pub(super) async fn open(store: AnyStore) -> Scene {
        store.initialize().await.unwrap();
        Scene { store }
    }

    /// Creates a plain run.
    pub(super) async fn start(&self, id: &str) -> RunId {
        self.start_run(new_run(id)).await
    }

    pub(super) async fn start_run(&self, new: NewRun) -> RunId {
        let id = new.id.clone();
        assert_eq!(self.store.start(new).await.unwrap(), Started::Created);
        id
    }

    /// Registers a worker of the default pool.
    pub(super) async fn worker(&self) -> Worker {
        self.worker_with(POOL, Labels::new(), LONG).await
    }

    pub(super) async fn worker_with(&self, pool: &str, labels: Labels, lease: Duration) -> Worker {
        let registered = NewWorker {
            key: WorkerKey::generate(),
            name: "w".to_owned(),
            exclusive: false,
            pool: pool.to_owned(),
            labels: labels.clone(),
            slots: 10,
            lease,
            host: "here".to_owned(),
            program: Program::default(),
        };
        self.store.register(&registered).await.unwrap();
        Worker {
            store: self.store.clone(),
            key: registered.key,
            serves: Serves {
                workflows: vec![WORKFLOW.into()],
                limited: Vec::new(),
                pool: pool.to_owned(),
                labels,
            },
        }
    }

    /// A worker that has the only claimable run, with a lease as short as the store is fast enough for.
    pub(super) async fn holder_with_short_lease(&self) -> (Worker, Claimed) {
        for lease_ms in [20, 100, 500, 2_500] {
            let lease = Duration::from_millis(lease_ms);
            let worker = self.worker_with(POOL, Labels::new(), lease).await;
            if let Some(claimed) = worker.claim(1).await.pop() {
                return (worker, claimed);
            }
        }
        panic!("no claim within a lease of seconds");
    }

    /// A run that a worker drives.
    pub(super) async fn driven(&self, id: &str) -> (Worker, Claimed) {
        self.start(id).await;
        let worker = self.worker().await;
        let claimed = worker.claim_only().await;
        (worker, claimed)
    }

    /// A run that waits at a gate, which was asked.
    pub(super) async fn waiting_at(&self, id: &str, gate: &str) -> Claimed {
        let (_, claimed) = self.driven(id).await;
        let asked = Commit {
            gates: vec![ask(gate)],
            then: park(&claimed, gate),
            ..nothing(&claimed)
        };
        self.must_commit(asked).await;
        claimed
    }

    /// A run that failed: `checkpoints`, then the last failure among them as its result.
    pub(super) async fn failed(&self, id: &str, mut checkpoints: Vec<NewCheckpoint>) -> RunId {
        let (_, claimed) = self.driven(id).await;
        let last = checkpoints.last().unwrap().ordinal;
        let failure = checkpoints.iter().rfind(|c| !c.outcome.is_ok());
        let failure = failure.unwrap_or(&checkpoints[0]).clone();
        checkpoints.push(NewCheckpoint {
            position: Position::from(Position::OUTPUT),
            ordinal: last + 1,
            kind: CheckpointKind::Output,
            ..failure
        });
        let end = Commit {
            checkpoints,
            then: Then::Finish(Ending::Failed {
                error: "out of paper".to_owned(),
            }),
            ..nothing(&claimed)
        };
        self.must_commit(end).await;
        claimed.run.id
    }

    /// A run that failed because a gate was rejected.
    pub(super) async fn rejected(&self, id: &str, gate: &str) -> RunId {
        let run = self.waiting_at(id, gate).await.run.id;
        self.vote(&run, gate, no("bob")).await;
        let claimed = self.worker().await.claim_only().await;
        let fault = Fault::Rejected {
            gate: gate.to_owned(),
            reason: "too long".to_owned(),
            reviewer: "bob".to_owned(),
        };
        let at =
            |position: &str, ordinal| outcome(position, ordinal, Outcome::Fault(fault.clone()));
        let end = Commit {
            checkpoints: vec![at("approval:review", 1), at(Position::OUTPUT, 2)],
            then: Then::Finish(Ending::Failed {
                error: fault.to_string(),
            }),
            ..nothing(&claimed)
        };
        self.must_commit(end).await;
        run
    }

    pub(super) async fn must_commit(&self, commit: Commit) {
        let verdict = self.store.commit(commit).await.unwrap();
        assert_eq!(verdict, Verdict::Committed);
    }

    pub(super) async fn act(&self, run: &RunId, act: &Act) -> Answer {
        self.store.act(run, act).await.unwrap()
    }

    /// Does what must succeed; gives the run as it was before.
    pub(super) async fn done(&self, run: &RunId, act: &Act) -> Run {
        match self.act(run, act).await {
            Answer::Done(before) => *before,
            other => panic!("{act:?} gave {other:?}"),
        }
    }

    pub(super) async fn vote(&self, run: &RunId, gate: &str, vote: Vote) -> Voted {
        let gate = gate.to_owned();
        match self.act(run, &Act::Vote { gate, vote }).await {
            Answer::Voted(voted) => voted,
            other => panic!("a vote gave {other:?}"),
        }
    }

    pub(super) async fn run(&self, id: &RunId) -> Run {
        self.store.run(id).await.unwrap().expect("the run is there")
    }

    pub(super) async fn state(&self, id: &RunId) -> RunState {
        self.run(id).await.state
    }

    pub(super) async fn journal(&self, id: &RunId) -> Journal {
        let journal = self.store.journal(id).await.unwrap();
        journal.expect("the run is there")
    }

    pub(super) async fn messages(&self, id: &RunId) -> Messages {
        let messages = self.store.messages(id).await.unwrap();
        messages.expect("the run is there")
    }

    /// Positions of a run's checkpoints, in order, without the input.
    pub(super) async fn positions(&self, id: &RunId) -> Vec<String> {
        let checkpoints = self.journal(id).await.checkpoints;
        let positions = checkpoints.iter().map(|c| c.written.position.to_string());
        positions.filter(|p| p != Position::INPUT).collect()
    }

    /// Words of a run's events, in order.
    pub(super) async fn events(&self, id: &RunId) -> Vec<&'static str> {
        let events = self.journal(id).await.events;
        events.iter().map(|e| e.kind.word()).collect()
    }

    /// Looks at the clock until it has found that many dead workers.
    pub(super) async fn tick_until_buried(&self, workers: u64) {
        let mut buried = 0;
        let began = Instant::now();
        while buried < workers {
            assert!(began.elapsed() < PATIENCE, "a lease does not pass");
            buried += self.store.tick().await.unwrap().buried;
            a_moment().await;
        }
        assert_eq!(buried, workers);
    }

    /// Looks at the clock until it has woken that many runs.
    pub(super) async fn tick_until_woken(&self, runs: u64) {
        let mut woken = 0;
        let began = Instant::now();
        while woken < runs {
            assert!(began.elapsed() < PATIENCE, "a timer does not wake its run");
            woken += self.store.tick().await.unwrap().woken;
            a_moment().await;
        }
        assert_eq!(woken, runs);
    }

    /// Looks at the clock until a run is in this state.
    pub(super) async fn tick_until(&self, run: &RunId, state: RunState) {
        let began = Instant::now();
        while self.state(run).await != state {
            assert!(
                began.elapsed() < PATIENCE,
                "`{run}` does not become {state}"
            );
            self.store.tick().await.unwrap();
            a_moment().await;
        }
    }

    /// Looks at the clock until it says that nothing is due within `calm`.
    pub(super) async fn tick_until_quiet(&self, calm: Duration) {
        let began = Instant::now();
        loop {
            let next_due = self.store.tick().await.unwrap().next_due;
            if next_due.is_none_or(|due| due >= calm) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "something stays due");
            a_moment().await;
        }
    }

    /// Waits until the deadline of a run's first gate has passed on the store's clock.
    pub(super) async fn until_after(&self, run: &RunId) {
        let deadline = self.journal(run).await.gates[0].deadline_at;
        let began = Instant::now();
        while Some(self.store.now().await.unwrap()) <= deadline {
            assert!(began.elapsed() < PATIENCE, "a deadline does not pass");
            a_moment().await;
        }
    }

    /// Waits until a worker's lease has passed on the store's clock.
    pub(super) async fn until_lease_passed(&self, worker: &Worker) {
        let began = Instant::now();
        loop {
            let workers = self.store.workers(LONG).await.unwrap();
            let record = workers.iter().find(|w| w.registered.key == worker.key);
            let lease_until = record.expect("the worker is there").lease_until;
            if self.store.now().await.unwrap() > lease_until {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "a lease does not pass");
            a_moment().await;
        }
    }
}

/// A registered worker.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) store: AnyStore,
    pub(super) key: WorkerKey,
    pub(super) serves: Serves,
}

impl Worker {
    pub(super) async fn claim(&self, limit: u32) -> Vec<Claimed> {
        let claimed = self.store.claim(self.key, &self.serves, limit).await;
        claimed.unwrap()
    }

    /// Claims the only run that is claimable.
    pub(super) async fn claim_only(&self) -> Claimed {
        let mut claimed = self.claim(10).await;
        assert_eq!(claimed.len(), 1, "one run is claimable");
        claimed.remove(0)
    }

    /// Ids of what it gets when it claims.
    pub(super) async fn claim_ids(&self, limit: u32) -> Vec<String> {
        let claimed = self.claim(limit).await;
        claimed.iter().map(|c| c.run.id.to_string()).collect()
    }

    /// Extends its lease.
    pub(super) async fn heartbeat(&self) {
        let lease = self.store.heartbeat(self.key, &[]).await.unwrap();
        assert_eq!(lease, Lease::Kept);
    }

    pub(super) async fn die(&self) {
        assert!(self.store.bury(self.key).await.unwrap());
    }
}

pub(super) fn id(text: &str) -> RunId {
    RunId::new(text).unwrap()
}

pub(super) fn new_run(run_id: &str) -> NewRun {
    NewRun {
        id: id(run_id),
        workflow: WORKFLOW.to_owned(),
        version: 1,
        pool: POOL.to_owned(),
        labels: Labels::new(),
        priority: 0,
        concurrency_key: None,
        input: json(r#"{"topic":"ink"}"#),
        fingerprint: 7,
        delay: Duration::ZERO,
        assigned: None,
        not_before: None,
        header: Header::default(),
    }
}

pub(super) fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

pub(super) fn labels(object: serde_json::Value) -> Labels {
    Labels::from_json(object).unwrap()
}

/// A commit in which nothing happens yet.
pub(super) fn nothing(claimed: &Claimed) -> Commit {
    Commit {
        run: claimed.run.key(),
        epoch: claimed.run.epoch,
        worker: claimed.run.worker.unwrap(),
        checkpoints: Vec::new(),
        events: Vec::new(),
        gates: Vec::new(),
        beyond: Beyond::default(),
        then: Then::Continue,
    }
}

/// A commit of one step's value.
pub(super) fn progress(claimed: &Claimed, position: &str, ordinal: u32) -> Commit {
    Commit {
        checkpoints: vec![value(position, ordinal)],
        ..nothing(claimed)
    }
}

/// A commit that completes a run.
pub(super) fn completion(claimed: &Claimed) -> Commit {
    Commit {
        checkpoints: vec![NewCheckpoint {
            kind: CheckpointKind::Output,
            ..value(Position::OUTPUT, 1_000)
        }],
        then: Then::Finish(Ending::Completed),
        ..nothing(claimed)
    }
}

pub(super) fn value(position: &str, ordinal: u32) -> NewCheckpoint {
    outcome(position, ordinal, Outcome::Ok(json("\"done\"")))
}

pub(super) fn error(position: &str, ordinal: u32, text: &str) -> NewCheckpoint {
    let json = Json::encode(text).unwrap();
    outcome(position, ordinal, Outcome::Err(json))
}

pub(super) fn outcome(position: &str, ordinal: u32, outcome: Outcome) -> NewCheckpoint {
    NewCheckpoint {
        position: Position::from(position),
        ordinal,
        kind: CheckpointKind::Step,
        site: 3,
        input_digest: digest(&json("[1]")),
        attempts: 1,
        took: Duration::from_micros(1_234_567),
        outcome,
    }
}

pub(super) fn ask(gate: &str) -> GateRequest {
    GateRequest {
        name: gate.to_owned(),
        prompt: "publish?".to_owned(),
        context: Some(json(r#"{"title":"Ink"}"#)),
        rules: GateRules::default(),
        decision: None,
    }
}

/// Sleep at a gate, having seen what the claim saw.
pub(super) fn park(claimed: &Claimed, gate: &str) -> Then {
    Then::Park(Park {
        waiting: Waiting::Gate {
            gate: gate.to_owned(),
        },
        wake_after: None,
        wakes: claimed.run.wakes,
    })
}

/// Sleeps for a while.
pub(super) fn nap(claimed: &Claimed, length: Duration) -> Commit {
    Commit {
        then: Then::Park(Park {
            waiting: Waiting::Timer {
                position: "nap".into(),
                until: claimed.run.created_at.after(length),
            },
            wake_after: Some(length),
            wakes: claimed.run.wakes,
        }),
        ..nothing(claimed)
    }
}

pub(super) fn yes(by: &str) -> Vote {
    Vote {
        approved: true,
        by: by.to_owned(),
        groups: Vec::new(),
        reason: None,
        seen: None,
    }
}

pub(super) fn no(by: &str) -> Vote {
    Vote {
        approved: false,
        reason: Some("too long".to_owned()),
        ..yes(by)
    }
}

pub(super) fn signal(id: &str, name: &str, payload: &str) -> NewSignal {
    NewSignal {
        id: id.to_owned(),
        name: name.to_owned(),
        payload: json(payload),
        by: Some("ann".to_owned()),
    }
}

pub(super) fn retry(by: &str) -> Act {
    Act::Retry { by: by.to_owned() }
}

pub(super) fn cancel(by: &str) -> Act {
    Act::Cancel {
        by: by.to_owned(),
        reason: "no longer needed".to_owned(),
    }
}

/// Between two looks at something that takes its time.
pub(super) async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

/// Fails where `soon` does not happen.
pub(super) async fn within_patience<T>(what: &str, soon: impl Future<Output = T>) -> T {
    let soon = tokio::time::timeout(PATIENCE, soon).await;
    soon.unwrap_or_else(|_| panic!("{what} does not happen"))
}
