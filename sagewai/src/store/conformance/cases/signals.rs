//! Messages to runs.

use futures_util::future::join_all;

use crate::model::{Act, Answer, Beyond, Commit, EventKind, Json, NewSignal, RunState, Verdict};
use crate::store::conformance::scene::{Scene, completion, json, nothing, park, progress, signal};
use crate::store::{AnyStore, PAYLOAD_BYTES_MAX, StoreError};

fn send(id: &str, name: &str) -> Act {
    Act::Signal(signal(id, name, r#"{"cents":100}"#))
}

fn taking(ids: &[&str]) -> Beyond {
    Beyond {
        taken: ids.iter().map(|&id| id.to_owned()).collect(),
        ..Beyond::default()
    }
}

/// Ids of the messages that a run has not taken.
async fn kept(scene: &Scene, run: &crate::model::RunId) -> Vec<String> {
    let signals = scene.messages(run).await.signals;
    signals.into_iter().map(|signal| signal.id).collect()
}

pub async fn signals_are_kept_in_the_order_they_were_sent(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let run = &claimed.run.id;
    for id in ["z ☃", "a", "m"] {
        let before = scene.done(run, &send(id, "payment")).await;
        assert_eq!(before.state, RunState::Running);
    }
    let anonymous = NewSignal {
        by: None,
        ..signal("b", "refund", "[1, \"ü\"]")
    };
    scene.done(run, &Act::Signal(anonymous.clone())).await;
    let messages = scene.messages(run).await;
    assert_eq!(messages.run.wakes, 4);
    assert_eq!(messages.run.state, RunState::Running);
    let ids: Vec<_> = messages.signals.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["z ☃", "a", "m", "b"]);
    let [first, .., last] = &messages.signals[..] else {
        panic!("there are four");
    };
    assert_eq!(first.name, "payment");
    assert_eq!(first.payload, json(r#"{"cents":100}"#));
    assert_eq!(first.by.as_deref(), Some("ann"));
    assert!(first.at >= claimed.run.created_at);
    assert_eq!((&last.payload, &last.by), (&anonymous.payload, &None));
    let event = scene.journal(run).await.events.remove(0);
    let told = EventKind::Signalled {
        signal: "payment".to_owned(),
        id: "z ☃".to_owned(),
        by: Some("ann".to_owned()),
    };
    assert_eq!(event.kind, told);
}

pub async fn signal_wakes_a_run_that_waits(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.waiting_at("a", "review").await.run.id;
    scene.done(&run, &send("1", "payment")).await;
    assert_eq!(scene.state(&run).await, RunState::Pending);
    let worker = scene.worker().await;
    assert_eq!(worker.claim_only().await.run.wakes, 1);
    assert!(worker.claim(10).await.is_empty(), "queued once");
    assert_eq!(kept(&scene, &run).await, ["1"]);
}

pub async fn signal_before_the_first_claim_is_kept(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    scene.done(&run, &send("1", "payment")).await;
    assert_eq!(scene.state(&run).await, RunState::Pending);
    let worker = scene.worker().await;
    assert_eq!(worker.claim_only().await.run.wakes, 1);
    assert!(worker.claim(10).await.is_empty(), "queued once");
    assert_eq!(kept(&scene, &run).await, ["1"]);
}

pub async fn signal_sent_again_under_its_id_is_one(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let run = &claimed.run.id;
    scene.done(run, &send("1", "payment")).await;
    let again = scene.act(run, &send("1", "payment")).await;
    assert!(matches!(again, Answer::Already(_)), "{again:?}");
    for other in [
        send("1", "refund"),
        Act::Signal(signal("1", "payment", "0")),
    ] {
        assert_eq!(scene.act(run, &other).await, Answer::OtherSignal);
    }
    assert_eq!(kept(&scene, run).await, ["1"]);
    let takes = Commit {
        beyond: taking(&["1"]),
        ..progress(&claimed, "signal:payment", 1)
    };
    scene.must_commit(takes).await;
    let again = scene.act(run, &send("1", "payment")).await;
    assert!(
        matches!(again, Answer::Already(_)),
        "it was taken: {again:?}"
    );
    assert!(kept(&scene, run).await.is_empty());
    assert_eq!(scene.run(run).await.wakes, 1);
    assert_eq!(scene.events(run).await, ["signalled"]);
    // Of another run it is another one.
    let other = scene.start("b").await;
    scene.done(&other, &send("1", "refund")).await;
}

pub async fn signal_is_taken_with_the_commit_that_uses_it(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let run = &claimed.run.id;
    for id in ["1", "2", "3"] {
        scene.done(run, &send(id, "payment")).await;
    }
    let takes = Commit {
        beyond: taking(&["1"]),
        ..progress(&claimed, "signal:payment", 1)
    };
    scene.must_commit(takes.clone()).await;
    assert_eq!(kept(&scene, run).await, ["2", "3"]);
    scene.must_commit(takes).await;
    assert_eq!(kept(&scene, run).await, ["2", "3"]);
    // Also where the run does not sleep after all.
    let takes_and_parks = Commit {
        beyond: taking(&["2"]),
        then: park(&claimed, "review"),
        ..progress(&claimed, "signal:payment#2", 2)
    };
    let verdict = scene.store.commit(takes_and_parks).await.unwrap();
    assert_eq!(verdict, Verdict::Awake);
    assert_eq!(kept(&scene, run).await, ["3"]);
    assert_eq!(scene.positions(run).await.len(), 2);
}

pub async fn signal_is_not_taken_by_a_commit_that_is_fenced(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    let run = &claimed.run.id;
    scene.done(run, &send("1", "payment")).await;
    worker.die().await;
    let takes = Commit {
        beyond: taking(&["1"]),
        ..progress(&claimed, "signal:payment", 1)
    };
    for commit in [
        takes.clone(),
        Commit {
            checkpoints: Vec::new(),
            ..takes
        },
    ] {
        let verdict = scene.store.commit(commit).await.unwrap();
        assert_eq!(verdict, Verdict::Fenced);
    }
    scene.worker().await.claim_only().await;
    assert_eq!(kept(&scene, run).await, ["1"]);
}

pub async fn signal_to_a_run_that_is_over_is_refused(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    scene.must_commit(completion(&claimed)).await;
    let before = scene.run(&claimed.run.id).await;
    let answer = scene.act(&claimed.run.id, &send("1", "payment")).await;
    assert_eq!(answer, Answer::WrongState(Box::new(before.clone())));
    assert_eq!(scene.run(&claimed.run.id).await, before);
    assert!(kept(&scene, &claimed.run.id).await.is_empty());
}

pub async fn signal_that_is_dropped_stays_sent(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    scene.done(&run, &send("1", "payment")).await;
    scene.done(&run, &send("2", "payment")).await;
    let drop = Act::DropSignal {
        id: "1".to_owned(),
        by: "bob".to_owned(),
    };
    scene.done(&run, &drop).await;
    assert_eq!(kept(&scene, &run).await, ["2"]);
    assert_eq!(scene.act(&run, &drop).await, Answer::Nothing);
    let again = scene.act(&run, &send("1", "payment")).await;
    assert!(matches!(again, Answer::Already(_)), "{again:?}");
    let events = ["signalled", "signalled", "signal_dropped"];
    assert_eq!(scene.events(&run).await, events);
}

pub async fn too_large_signal_is_refused_with_nothing_written(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    let large = NewSignal {
        payload: Json::encode(&"x".repeat(PAYLOAD_BYTES_MAX)).unwrap(),
        ..signal("1", "photo", "1")
    };
    let refusal = scene.store.act(&run, &Act::Signal(large)).await;
    let refusal = refusal.unwrap_err();
    assert!(
        matches!(refusal, StoreError::TooLarge { .. }),
        "{refusal:?}"
    );
    assert_eq!(scene.run(&run).await.wakes, 0);
    assert!(kept(&scene, &run).await.is_empty());
}

pub async fn signals_sent_at_once_are_all_kept(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.waiting_at("a", "review").await.run.id;
    let at_once = (0..24).map(|n| {
        let (scene, run) = (scene.clone(), run.clone());
        // Each is sent twice.
        let act = send(&(n / 2).to_string(), "payment");
        tokio::spawn(async move { scene.act(&run, &act).await })
    });
    let answers: Vec<_> = join_all(at_once).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let done = answers.iter().filter(|a| matches!(a, Answer::Done(_)));
    assert_eq!(done.count(), 12, "{answers:?}");
    let messages = scene.messages(&run).await;
    assert_eq!((messages.signals.len(), messages.run.wakes), (12, 12));
    assert_eq!(scene.worker().await.claim(10).await.len(), 1);
}

pub async fn park_and_signal_at_once_lose_no_wake_up(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..30 {
        let (worker, claimed) = scene.driven(&round.to_string()).await;
        let (sender, run) = (scene.clone(), claimed.run.id.clone());
        let sending = async move { sender.done(&run, &send("1", "payment")).await };
        let parks = Commit {
            then: park(&claimed, "review"),
            ..progress(&claimed, "step", 1)
        };
        let store = scene.store.clone();
        let parking = async move { store.commit(parks).await.unwrap() };
        let (sent, parked) = tokio::join!(tokio::spawn(sending), tokio::spawn(parking));
        sent.unwrap();
        let run = scene.run(&claimed.run.id).await;
        let holder = match parked.unwrap() {
            Verdict::Committed => worker.claim_only().await,
            Verdict::Awake => claimed,
            Verdict::Fenced => panic!("nobody took the run"),
        };
        assert_eq!(run.wakes, 1, "round {round}");
        assert_eq!(kept(&scene, &run.id).await, ["1"]);
        let ends = Commit {
            beyond: taking(&["1"]),
            then: completion(&holder).then,
            ..nothing(&holder)
        };
        scene.must_commit(ends).await;
        assert!(kept(&scene, &run.id).await.is_empty());
    }
}
