//! Runs that sleep, and what wakes them.

use std::time::Duration;

use crate::model::{Claimed, Commit, RunState, Verdict, Voted, Waiting};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, Scene, ask, completion, nap, nothing, park, progress, yes,
};

pub async fn parked_run_waits_and_says_for_what(store: AnyStore) {
    let scene = Scene::open(store).await;
    let claimed = scene.waiting_at("a", "review").await;
    let run = scene.run(&claimed.run.id).await;
    assert_eq!(run.state, RunState::Waiting);
    let waiting = Waiting::Gate {
        gate: "review".to_owned(),
    };
    assert_eq!(run.waiting, Some(waiting));
    assert_eq!(run.due_at, None);
    let tick = scene.store.tick().await.unwrap();
    assert_eq!((tick.woken, tick.next_due), (0, None));
    // It is nobody's: the death of the worker that drove it last changes nothing.
    scene.store.bury(claimed.run.worker.unwrap()).await.unwrap();
    assert!(scene.worker().await.claim(10).await.is_empty());
}

pub async fn timer_wakes_a_parked_run(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    scene
        .must_commit(nap(&claimed, Duration::from_millis(5)))
        .await;
    let asleep = scene.run(&claimed.run.id).await;
    assert_eq!(asleep.state, RunState::Waiting);
    assert!(asleep.due_at > asleep.started_at);
    scene.tick_until_woken(1).await;
    let awake = scene.run(&claimed.run.id).await;
    assert_eq!(awake.state, RunState::Pending);
    assert_eq!((awake.waiting, awake.due_at), (None, None));
    let again = worker.claim_only().await;
    assert_eq!((again.run.epoch, again.run.claims), (2, 0));
    assert!(worker.claim(10).await.is_empty());
}

pub async fn nothing_is_due_where_nobody_sleeps(store: AnyStore) {
    let scene = Scene::open(store).await;
    assert_eq!(scene.store.tick().await.unwrap().next_due, None);
    let (worker, claimed) = scene.driven("a").await;
    scene.must_commit(nap(&claimed, LONG)).await;
    let tick = scene.store.tick().await.unwrap();
    assert_eq!((tick.woken, tick.buried), (0, 0));
    let next = tick.next_due.unwrap();
    assert!(next > LONG / 2 && next <= LONG, "{next:?}");
    // The nearest counts, and what is over does not.
    scene.start("b").await;
    let second = worker.claim_only().await;
    scene
        .must_commit(nap(&second, Duration::from_millis(5)))
        .await;
    scene.tick_until_woken(1).await;
    scene
        .must_commit(completion(&worker.claim_only().await))
        .await;
    assert!(scene.store.tick().await.unwrap().next_due.unwrap() > LONG / 2);
}

pub async fn park_is_refused_after_a_decision(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    let asks = Commit {
        gates: vec![ask("review")],
        ..nothing(&claimed)
    };
    scene.must_commit(asks).await;
    let voted = scene.vote(&claimed.run.id, "review", yes("ann")).await;
    assert!(matches!(voted, Voted::Decided(_)), "{voted:?}");
    let stale = Commit {
        then: park(&claimed, "review"),
        ..progress(&claimed, "step", 1)
    };
    let verdict = scene.store.commit(stale).await.unwrap();
    assert_eq!(verdict, Verdict::Awake);
    let run = scene.run(&claimed.run.id).await;
    assert_eq!((run.state, &run.waiting), (RunState::Running, &None));
    assert_eq!((run.worker, run.epoch), (Some(worker.key), 1));
    assert_eq!(
        scene.positions(&run.id).await,
        ["step"],
        "the rest is stored"
    );

    // Having seen the message, it may sleep.
    let seen = Claimed {
        run,
        ..claimed.clone()
    };
    let commit = Commit {
        then: park(&seen, "other"),
        ..nothing(&seen)
    };
    scene.must_commit(commit).await;
    assert_eq!(scene.state(&claimed.run.id).await, RunState::Waiting);
}

pub async fn park_and_decision_at_once_lose_no_wake_up(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..30 {
        let (_, claimed) = scene.driven(&round.to_string()).await;
        let asks_and_parks = Commit {
            gates: vec![ask("review")],
            then: park(&claimed, "review"),
            ..nothing(&claimed)
        };
        let (voter, run) = (scene.clone(), claimed.run.id.clone());
        let voting = async move { voter.vote(&run, "review", yes("ann")).await };
        let store = scene.store.clone();
        let parking = async move { store.commit(asks_and_parks).await.unwrap() };
        let (decided, parked) = tokio::join!(tokio::spawn(voting), tokio::spawn(parking));
        // Which one it is depends on who was first.
        let voted = decided.unwrap();
        assert!(
            matches!(voted, Voted::Decided(_) | Voted::Early),
            "{voted:?}"
        );
        let expected = match parked.unwrap() {
            Verdict::Committed => RunState::Pending,
            Verdict::Awake => RunState::Running,
            Verdict::Fenced => panic!("nobody took the run"),
        };
        let run = scene.run(&claimed.run.id).await;
        assert_eq!((run.state, run.wakes), (expected, 1), "round {round}");
        let gate = scene.journal(&run.id).await.gates.remove(0);
        assert!(gate.asked_at.is_some());
        assert_eq!(gate.votes, [yes("ann")]);
        // Out of the way of the next round.
        let holder = if expected == RunState::Running {
            claimed
        } else {
            scene.worker().await.claim_only().await
        };
        scene.must_commit(completion(&holder)).await;
    }
}

pub async fn decision_wakes_a_run_before_its_time(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    scene.must_commit(nap(&claimed, LONG)).await;
    scene.vote(&claimed.run.id, "review", yes("ann")).await;
    let run = scene.run(&claimed.run.id).await;
    assert_eq!(run.state, RunState::Pending);
    assert_eq!((run.due_at, &run.waiting), (None, &None));
    let tick = scene.store.tick().await.unwrap();
    assert_eq!((tick.woken, tick.next_due), (0, None), "its timer is gone");
    assert_eq!(worker.claim_only().await.run.wakes, 1);
    assert!(worker.claim(10).await.is_empty());
}
