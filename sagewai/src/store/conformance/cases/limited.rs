//! Workflows with limits: how many runs are driven at once, and how many begin in a time.

use std::time::Duration;

use super::super::scene::{
    LONG, POOL, Scene, WORKFLOW, Worker, a_moment, completion, id, nap, new_run, nothing, park,
    signal,
};
use crate::model::{
    Act, ClaimOne, Claimed, Commit, Labels, Limited, LimitedClaim, Limits, NewRun, Rate, RunState,
    Serves, Then,
};
use crate::store::AnyStore;

fn at_once(runs: u32) -> Limits {
    Limits {
        concurrency: Some(runs),
        ..Limits::default()
    }
}

fn of_a_key(runs: u32) -> Limits {
    Limits {
        concurrency_per_key: Some(runs),
        ..Limits::default()
    }
}

fn rate(runs: u32, per: Duration) -> Rate {
    Rate { runs, per }
}

async fn start(scene: &Scene, ids: &[&str]) {
    for id in ids {
        scene.start(id).await;
    }
}

async fn start_with_key(scene: &Scene, run: &str, key: &str) {
    let new = NewRun {
        concurrency_key: Some(key.to_owned()),
        ..new_run(run)
    };
    scene.start_run(new).await;
}

async fn claim(worker: &Worker, limits: Limits, limit: u32) -> LimitedClaim {
    let serves = Serves {
        workflows: Vec::new(),
        limited: vec![Limited {
            workflow: WORKFLOW.to_owned(),
            version: 1,
            limits,
        }],
        ..worker.serves.clone()
    };
    let claim = worker.store.claim_limited(worker.key, &serves, limit).await;
    claim.unwrap()
}

/// Claims as many as the limits let go on.
async fn claim_ids(worker: &Worker, limits: Limits) -> Vec<String> {
    ids(&claim(worker, limits, 10).await.runs)
}

fn ids(claimed: &[Claimed]) -> Vec<String> {
    claimed.iter().map(|c| c.run.id.to_string()).collect()
}

pub async fn no_more_runs_of_a_workflow_are_driven_than_its_limit(store: AnyStore) {
    let scene = Scene::open(store).await;
    start(&scene, &["a", "b", "c", "d"]).await;
    let (one, other) = (scene.worker().await, scene.worker().await);
    let first = claim(&one, at_once(2), 10).await.runs;
    assert_eq!(ids(&first), ["a", "b"]);
    assert_eq!(claim_ids(&other, at_once(2)).await, [""; 0]);
    scene.must_commit(completion(&first[0])).await;
    assert_eq!(claim_ids(&other, at_once(2)).await, ["c"]);
    assert_eq!(claim_ids(&one, at_once(2)).await, [""; 0]);
    // A limit that was raised holds at once.
    assert_eq!(claim_ids(&one, at_once(3)).await, ["d"]);
}

pub async fn claims_at_once_keep_the_limit(store: AnyStore) {
    let scene = Scene::open(store).await;
    for n in 0..20 {
        start_with_key(&scene, &format!("r{n}"), "t").await;
    }
    let limits = Limits {
        concurrency: Some(5),
        rate: Some(rate(4, LONG)),
        ..of_a_key(3)
    };
    let mut claims = Vec::new();
    for _ in 0..8 {
        let worker = scene.worker().await;
        claims.push(tokio::spawn(async move {
            claim(&worker, limits, 2).await.runs.len()
        }));
    }
    let mut claimed = 0;
    for claim in claims {
        claimed += claim.await.unwrap();
    }
    assert_eq!(claimed, 3);
}

pub async fn full_key_is_passed_over(store: AnyStore) {
    let scene = Scene::open(store).await;
    for (run, key) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")] {
        start_with_key(&scene, run, key).await;
    }
    scene.start("none").await;
    let worker = scene.worker().await;
    let claimed = claim(&worker, of_a_key(2), 10).await.runs;
    assert_eq!(ids(&claimed), ["a1", "a2", "b1", "none"]);
    assert_eq!(claimed[2].run.concurrency_key.as_deref(), Some("b"));
    scene.must_commit(completion(&claimed[2])).await;
    assert_eq!(claim_ids(&worker, of_a_key(2)).await, [""; 0]);
    scene.must_commit(completion(&claimed[1])).await;
    assert_eq!(claim_ids(&worker, of_a_key(2)).await, ["a3"]);
    let stored = scene.run(&id("a3")).await.concurrency_key;
    assert_eq!(stored.as_deref(), Some("a"));
}

pub async fn keys_take_turns_by_age(store: AnyStore) {
    let scene = Scene::open(store).await;
    for (run, key) in [("a1", "a"), ("b1", "b"), ("a2", "a"), ("c1", "c")] {
        start_with_key(&scene, run, key).await;
    }
    let worker = scene.worker().await;
    let urgent = NewRun {
        concurrency_key: Some("b".to_owned()),
        priority: 1,
        ..new_run("b0")
    };
    scene.start_run(urgent).await;
    for expected in ["b0", "a1", "b1", "a2", "c1"] {
        let claimed = claim(&worker, of_a_key(9), 1).await.runs;
        assert_eq!(ids(&claimed), [expected]);
    }
}

pub async fn run_that_waits_holds_no_slot_and_takes_one_again(store: AnyStore) {
    let scene = Scene::open(store).await;
    start(&scene, &["a", "b"]).await;
    let worker = scene.worker().await;
    let a = claim(&worker, at_once(1), 10).await.runs.remove(0);
    scene
        .must_commit(Commit {
            then: park(&a, "review"),
            ..nothing(&a)
        })
        .await;
    let b = claim(&worker, at_once(1), 10).await.runs.remove(0);
    assert_eq!(b.run.id, id("b"));
    // The first one is awake, but there is no slot for it.
    let message = Act::Signal(signal("m", "payment", "1"));
    scene.done(&a.run.id, &message).await;
    assert_eq!(scene.state(&a.run.id).await, RunState::Pending);
    assert_eq!(claim_ids(&worker, at_once(1)).await, [""; 0]);
    scene.must_commit(completion(&b)).await;
    assert_eq!(claim_ids(&worker, at_once(1)).await, ["a"]);
}

pub async fn slot_is_free_when_a_run_is_ended_or_stopped_from_outside(store: AnyStore) {
    let scene = Scene::open(store).await;
    start(&scene, &["a", "b", "c"]).await;
    let worker = scene.worker().await;
    let a = claim(&worker, at_once(1), 10).await.runs.remove(0);
    let cancel = Act::Cancel {
        by: "ann".to_owned(),
        reason: "wrong".to_owned(),
    };
    scene.done(&a.run.id, &cancel).await;
    let b = claim(&worker, at_once(1), 10).await.runs.remove(0);
    let pause = Act::Pause {
        by: "ann".to_owned(),
    };
    scene.done(&b.run.id, &pause).await;
    assert_eq!(claim_ids(&worker, at_once(1)).await, [""; 0]);
    let wakes = scene.run(&b.run.id).await.wakes;
    scene
        .must_commit(Commit {
            then: Then::Pause { wakes },
            ..nothing(&b)
        })
        .await;
    assert_eq!(claim_ids(&worker, at_once(1)).await, ["c"]);
}

pub async fn slot_of_a_dead_worker_goes_on_with_its_run(store: AnyStore) {
    let scene = Scene::open(store).await;
    start(&scene, &["a", "b"]).await;
    let first = scene.worker().await;
    assert_eq!(claim_ids(&first, at_once(1)).await, ["a"]);
    first.die().await;
    let heir = scene.worker().await;
    let taken = claim(&heir, at_once(1), 10).await.runs;
    assert_eq!(ids(&taken), ["a"]);
    assert_eq!(claim_ids(&heir, at_once(1)).await, [""; 0]);
    scene.must_commit(completion(&taken[0])).await;
    assert_eq!(claim_ids(&heir, at_once(1)).await, ["b"]);
}

pub async fn claim_of_others_leaves_workflows_with_limits_alone(store: AnyStore) {
    let scene = Scene::open(store).await;
    start(&scene, &["a"]).await;
    let mut worker = scene.worker().await;
    worker.serves.workflows.clear();
    worker.serves.limited.push(Limited {
        workflow: WORKFLOW.to_owned(),
        version: 1,
        limits: at_once(1),
    });
    assert_eq!(worker.claim_ids(10).await, [""; 0]);
    let elsewhere = scene.worker_with("gpu", Labels::new(), LONG).await;
    assert_eq!(claim_ids(&elsewhere, at_once(1)).await, [""; 0]);
    assert_eq!(claim_ids(&worker, at_once(1)).await, ["a"]);
    assert_eq!(worker.serves.pool, POOL);
}

pub async fn rate_lets_so_many_begin_and_says_when_the_next_may(store: AnyStore) {
    let scene = Scene::open(store).await;
    start(&scene, &["a", "b", "c", "d"]).await;
    let worker = scene.worker().await;
    let per = Duration::from_millis(300);
    let limits = Limits {
        rate: Some(rate(3, per)),
        ..Limits::default()
    };
    assert_eq!(ids(&claim(&worker, limits, 2).await.runs), ["a", "b"]);
    let next = claim(&worker, limits, 2).await;
    assert_eq!(ids(&next.runs), ["c"]);
    let began = scene.run(&id("a")).await.started_at.unwrap();
    loop {
        let held = claim(&worker, limits, 2).await;
        if let [claimed] = held.runs.as_slice() {
            let after = began.until(claimed.run.started_at.unwrap());
            assert!(after >= per, "{after:?}");
            break;
        }
        assert!(held.again.expect("it is held back by the rate") <= per);
        a_moment().await;
    }
    // There is nothing more.
    assert_eq!(claim(&worker, limits, 2).await.again, None);
}

pub async fn rate_of_a_key_holds_back_that_key(store: AnyStore) {
    let scene = Scene::open(store).await;
    for (run, key) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        start_with_key(&scene, run, key).await;
    }
    scene.start("none").await;
    let worker = scene.worker().await;
    let limits = Limits {
        rate_per_key: Some(rate(1, LONG)),
        ..Limits::default()
    };
    let claimed = claim(&worker, limits, 10).await;
    assert_eq!(ids(&claimed.runs), ["a1", "b1", "none"]);
    let again = claim(&worker, limits, 10).await;
    assert_eq!(ids(&again.runs), [""; 0]);
    assert!(again.again.is_some_and(|again| again > LONG / 2));
}

pub async fn run_that_has_begun_goes_on_whatever_the_rate(store: AnyStore) {
    let scene = Scene::open(store).await;
    start_with_key(&scene, "a", "k").await;
    scene.start("b").await;
    let limits = Limits {
        rate: Some(rate(2, LONG)),
        rate_per_key: Some(rate(1, LONG)),
        ..Limits::default()
    };
    let worker = scene.worker().await;
    for claimed in claim(&worker, limits, 10).await.runs {
        scene
            .must_commit(nap(&claimed, Duration::from_millis(1)))
            .await;
    }
    // These are before it in their lanes.
    for (run, key) in [("urgent", Some("k")), ("more", None)] {
        let new = NewRun {
            concurrency_key: key.map(str::to_owned),
            priority: 100,
            ..new_run(run)
        };
        scene.start_run(new).await;
    }
    scene.tick_until_woken(2).await;
    assert_eq!(claim_ids(&worker, limits).await, ["a", "b"]);
}

pub async fn one_run_is_not_claimed_beyond_the_limits(store: AnyStore) {
    let scene = Scene::open(store).await;
    start(&scene, &["a", "b"]).await;
    let worker = scene.worker().await;
    let one = async |run: &str, limits: Limits| {
        let one = scene.store.claim_one(worker.key, &id(run), &limits).await;
        match one.unwrap() {
            ClaimOne::Claimed(claimed) => Some(*claimed),
            ClaimOne::Not(run) => {
                assert_eq!(run.state, RunState::Pending);
                None
            }
            ClaimOne::NoRun => panic!("the run is there"),
        }
    };
    let with_rate = Limits {
        rate: Some(rate(1, LONG)),
        ..at_once(1)
    };
    // It need not be the oldest.
    let b = one("b", with_rate).await.unwrap();
    assert_eq!(one("a", at_once(1)).await, None);
    assert_eq!(claim_ids(&worker, at_once(1)).await, [""; 0]);
    scene.must_commit(completion(&b)).await;
    assert_eq!(one("a", with_rate).await, None);
    assert!(one("a", at_once(1)).await.is_some());
}

pub async fn hint_follows_a_slot_that_becomes_free(store: AnyStore) {
    let scene = Scene::open(store).await;
    start(&scene, &["a"]).await;
    let worker = scene.worker().await;
    let a = claim(&worker, at_once(1), 10).await.runs.remove(0);
    let mut end = completion(&a);
    end.beyond.frees = true;
    let mut hints = scene.store.hints().watch_work();
    scene.must_commit(end).await;
    tokio::time::timeout(Duration::from_secs(20), hints.changed())
        .await
        .expect("others hear of it");
}
