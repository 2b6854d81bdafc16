//! Starts.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json as value;

use crate::model::{
    Act, Answer, CheckpointKind, ClaimOne, Json, Limits, NewRun, Outcome, Position, RunState,
    Started,
};
use crate::store::conformance::scene::{
    Scene, cancel, completion, id, json, labels, new_run, retry, signal, yes,
};
use crate::store::{AnyStore, PAYLOAD_BYTES_MAX, StoreError};

pub async fn started_run_is_there_with_its_input(store: AnyStore) {
    let scene = Scene::open(store).await;
    let asked = NewRun {
        labels: labels(value!({"zone": "eü \"1\"", "gpu": true, "cpus": i64::MAX})),
        pool: "gpu pool".to_owned(),
        priority: -3,
        input: json(r#"{"topic": "ink'\"\\ \ud83d\ude80 ☃", "n": 1.50}"#),
        fingerprint: i64::MIN,
        ..new_run("ein Lauf / 1")
    };
    let run = scene.start_run(asked.clone()).await;

    let stored = scene.run(&run).await;
    assert_eq!(stored.id, asked.id);
    assert_eq!(stored.workflow, asked.workflow);
    assert_eq!(stored.pool, asked.pool);
    assert_eq!(stored.labels, asked.labels);
    assert_eq!(stored.priority, asked.priority);
    assert_eq!(stored.fingerprint, asked.fingerprint);
    assert_eq!(stored.state, RunState::Pending);
    assert_eq!((stored.epoch, stored.claims, stored.wakes), (0, 0, 0));
    assert_eq!((stored.worker, &stored.waiting), (None, &None));
    assert_eq!((stored.due_at, &stored.error), (None, &None));
    assert_eq!((stored.started_at, stored.finished_at), (None, None));

    let journal = scene.journal(&run).await;
    assert_eq!(journal.checkpoints.len(), 1);
    let input = &journal.at(Position::INPUT).unwrap().written;
    assert_eq!((input.ordinal, input.kind), (0, CheckpointKind::Input));
    assert_eq!(input.outcome, Outcome::Ok(asked.input));
    assert!(journal.events.is_empty() && journal.gates.is_empty());
}

pub async fn start_of_same_id_and_input_attaches(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    let before = scene.run(&run).await;
    let again = NewRun {
        // Only workflow and input say whether it is the same.
        priority: 9,
        fingerprint: 8,
        ..new_run("a")
    };
    assert_eq!(scene.store.start(again).await.unwrap(), Started::Attached);
    assert_eq!(scene.run(&run).await, before);
    assert_eq!(scene.worker().await.claim(10).await.len(), 1);
}

pub async fn start_of_same_id_with_other_input_or_workflow_conflicts(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    let before = scene.run(&run).await;
    let other_input = NewRun {
        input: json("{}"),
        ..new_run("a")
    };
    let other_workflow = NewRun {
        workflow: "letter".to_owned(),
        ..new_run("a")
    };
    for (start, same_workflow) in [(other_input, true), (other_workflow, false)] {
        let conflict = Started::Conflict {
            workflow: before.workflow.clone(),
            same_workflow,
        };
        assert_eq!(scene.store.start(start).await.unwrap(), conflict);
    }
    assert_eq!(scene.run(&run).await, before);
    assert_eq!(scene.journal(&run).await.checkpoints.len(), 1);
}

pub async fn two_starts_of_one_id_at_once_create_one_run(store: AnyStore) {
    let scene = Scene::open(store).await;
    let at_once = (0..20).map(|_| {
        let store = scene.store.clone();
        tokio::spawn(async move { store.start(new_run("a")).await.unwrap() })
    });
    let answers = join_all(at_once).await.into_iter().map(Result::unwrap);
    let answers: Vec<Started> = answers.collect();
    let created = answers.iter().filter(|a| **a == Started::Created).count();
    let attached = answers.iter().filter(|a| **a == Started::Attached).count();
    assert_eq!((created, attached), (1, 19));
    assert_eq!(scene.worker().await.claim(10).await.len(), 1);
}

pub async fn many_starts_at_once_are_each_answered(store: AnyStore) {
    let scene = Scene::open(store).await;
    scene.start("7").await;
    let at_once = (0..100).map(|n| {
        let store = scene.store.clone();
        let input = if n == 7 { "[]" } else { "{}" };
        let new = NewRun {
            input: json(input),
            ..new_run(&n.to_string())
        };
        tokio::spawn(async move { store.start(new).await.unwrap() })
    });
    for (n, answer) in join_all(at_once).await.into_iter().enumerate() {
        let created = answer.unwrap() == Started::Created;
        assert_eq!(created, n != 7, "start {n}");
    }
    assert_eq!(scene.worker().await.claim(200).await.len(), 100);
}

pub async fn start_of_finished_run_leaves_it_as_it_is(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    scene.must_commit(completion(&claimed)).await;
    let again = scene.store.start(new_run("a")).await.unwrap();
    assert_eq!(again, Started::Attached);
    assert_eq!(scene.state(&claimed.run.id).await, RunState::Completed);
    assert!(worker.claim(10).await.is_empty());
}

pub async fn unknown_run_is_no_error(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    let ghost = id("ghost");
    assert_eq!(scene.store.run(&ghost).await.unwrap(), None);
    assert_eq!(scene.store.journal(&ghost).await.unwrap(), None);
    assert_eq!(scene.store.messages(&ghost).await.unwrap(), None);
    let claimed = scene
        .store
        .claim_one(worker.key, &ghost, &Limits::default())
        .await
        .unwrap();
    assert_eq!(claimed, ClaimOne::NoRun);
    let vote = Act::Vote {
        gate: "g".to_owned(),
        vote: yes("ann"),
    };
    let sent = Act::Signal(signal("1", "payment", "1"));
    for act in [vote, sent, cancel("ann"), retry("ann")] {
        assert_eq!(scene.act(&ghost, &act).await, Answer::NoRun, "{act:?}");
    }
}

pub async fn too_large_input_is_refused_with_nothing_written(store: AnyStore) {
    let scene = Scene::open(store).await;
    let start = |letters: usize| NewRun {
        // Two bytes more for the quotes.
        input: Json::encode(&"x".repeat(letters)).unwrap(),
        ..new_run("a")
    };
    let refused = scene.store.start(start(PAYLOAD_BYTES_MAX - 1)).await;
    assert!(matches!(
        refused,
        Err(StoreError::TooLarge { bytes, .. }) if bytes == PAYLOAD_BYTES_MAX + 1
    ));
    assert_eq!(scene.store.run(&id("a")).await.unwrap(), None);
    // What just fits is taken, whole.
    let largest = start(PAYLOAD_BYTES_MAX - 2);
    let run = scene.start_run(largest.clone()).await;
    let input = scene.journal(&run).await.checkpoints.remove(0);
    assert!(input.written.outcome == Outcome::Ok(largest.input));
}

pub async fn delayed_run_is_claimable_when_its_time_has_come(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    let far = NewRun {
        delay: Duration::from_hours(1),
        ..new_run("far")
    };
    let far = scene.start_run(far).await;
    let stored = scene.run(&far).await;
    assert_eq!(stored.state, RunState::Pending);
    assert!(stored.due_at.unwrap() > stored.created_at);
    assert_eq!(scene.store.tick().await.unwrap().woken, 0);
    assert!(worker.claim(10).await.is_empty());

    let near = NewRun {
        delay: Duration::from_millis(5),
        ..new_run("near")
    };
    let near = scene.start_run(near).await;
    scene.tick_until_woken(1).await;
    assert_eq!(scene.run(&near).await.due_at, None);
    assert_eq!(worker.claim_only().await.run.id, near);
}
