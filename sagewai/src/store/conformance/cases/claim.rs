//! Claims of queued runs.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json as value;

use crate::model::{ClaimOne, Labels, Limits, NewRun, RunState, Verdict, WorkerKey};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, POOL, Scene, completion, json, labels, new_run, park, progress,
};

pub async fn claimed_run_is_running_under_a_new_epoch(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    let worker = scene.worker().await;
    let claimed = worker.claim_only().await;
    assert_eq!(claimed.run.state, RunState::Running);
    assert_eq!(claimed.run.epoch, 1);
    assert_eq!(claimed.run.worker, Some(worker.key));
    assert_eq!(claimed.run.claims, 0);
    assert!(claimed.run.started_at >= Some(claimed.run.created_at));
    assert_eq!(claimed.run, scene.run(&run).await);
    assert_eq!(claimed.journal, scene.journal(&run).await);
    // The first claim is in the run itself.
    assert!(claimed.journal.events.is_empty());
    assert!(worker.claim(10).await.is_empty());
}

pub async fn higher_priority_is_claimed_first_then_age(store: AnyStore) {
    let scene = Scene::open(store).await;
    for (id, priority) in [
        ("old", 0),
        ("urgent", 5),
        ("new", 0),
        ("soon", 1),
        ("late", -1),
    ] {
        let new = NewRun {
            priority,
            ..new_run(id)
        };
        scene.start_run(new).await;
    }
    let worker = scene.worker().await;
    assert_eq!(worker.claim_ids(2).await, ["urgent", "soon"]);
    assert_eq!(worker.claim_ids(10).await, ["old", "new", "late"]);
}

pub async fn priority_holds_across_label_sets(store: AnyStore) {
    let scene = Scene::open(store).await;
    for n in 0..12_i16 {
        let new = NewRun {
            priority: (n * 5) % 12,
            labels: labels(value!({"set": n % 4})),
            ..new_run(&n.to_string())
        };
        scene.start_run(new).await;
    }
    let mut priorities = Vec::new();
    for set in 0..4 {
        let labels = labels(value!({"set": set}));
        let worker = scene.worker_with(POOL, labels, LONG).await;
        let claimed = worker.claim(10).await;
        let own: Vec<i16> = claimed.iter().map(|c| c.run.priority).collect();
        assert_eq!(own.len(), 3);
        assert!(own.is_sorted_by(|a, b| a > b), "{own:?}");
        priorities.extend(own);
    }
    priorities.sort_unstable();
    assert_eq!(priorities, (0..12).collect::<Vec<_>>());

    for (id, priority, set) in [
        ("a", 1, value!({})),
        ("b", 3, value!({"set": 1})),
        ("c", 2, value!({})),
    ] {
        let new = NewRun {
            priority,
            labels: labels(set),
            ..new_run(id)
        };
        scene.start_run(new).await;
    }
    let worker = scene
        .worker_with(POOL, labels(value!({"set": 1})), LONG)
        .await;
    assert_eq!(worker.claim_ids(2).await, ["b", "c"]);
    assert_eq!(worker.claim_ids(2).await, ["a"]);
}

pub async fn claim_takes_no_more_than_its_limit(store: AnyStore) {
    let scene = Scene::open(store).await;
    for id in ["a", "b", "c"] {
        scene.start(id).await;
    }
    let worker = scene.worker().await;
    assert!(worker.claim(0).await.is_empty());
    assert_eq!(worker.claim(2).await.len(), 2);
    assert_eq!(worker.claim(2).await.len(), 1);
}

pub async fn three_workers_share_sixty_runs_each_once(store: AnyStore) {
    let scene = Scene::open(store).await;
    for n in 0..60 {
        scene.start(&n.to_string()).await;
    }
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let worker = scene.worker().await;
        tasks.push(tokio::spawn(async move {
            let mut own = Vec::new();
            loop {
                let ids = worker.claim_ids(4).await;
                if ids.is_empty() {
                    return own;
                }
                own.extend(ids);
                tokio::task::yield_now().await;
            }
        }));
    }
    let shares = join_all(tasks).await;
    let all: Vec<String> = shares.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(all.len(), 60, "each run once");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 60);
}

pub async fn labels_are_matched_by_containment(store: AnyStore) {
    let scene = Scene::open(store).await;
    let asks = [
        ("none", value!({})),
        ("eu", value!({"zone": "eu"})),
        ("us", value!({"zone": "us"})),
        ("eu-gpu", value!({"gpu": true, "zone": "eu"})),
        ("text", value!({"gpu": "true"})),
        ("number", value!({"gpu": 1})),
        ("disk", value!({"disk": 1})),
    ];
    for (id, wanted) in asks {
        let new = NewRun {
            labels: labels(wanted),
            ..new_run(id)
        };
        scene.start_run(new).await;
    }
    let offered = labels(value!({"zone": "eu", "gpu": true, "cpus": 8}));
    let worker = scene.worker_with(POOL, offered, LONG).await;
    assert_eq!(worker.claim_ids(10).await, ["none", "eu", "eu-gpu"]);
    let offered = labels(value!({"gpu": 1, "disk": 1}));
    let worker = scene.worker_with(POOL, offered, LONG).await;
    assert_eq!(worker.claim_ids(10).await, ["number", "disk"]);
    // A set that comes later is found as well.
    let new = NewRun {
        labels: labels(value!({"disk": 1, "gpu": 1})),
        ..new_run("later")
    };
    scene.start_run(new).await;
    assert_eq!(worker.claim_ids(10).await, ["later"]);
}

pub async fn worker_without_labels_gets_only_what_asks_for_none(store: AnyStore) {
    let scene = Scene::open(store).await;
    let new = NewRun {
        labels: labels(value!({"gpu": true})),
        ..new_run("gpu")
    };
    scene.start_run(new).await;
    let worker = scene.worker().await;
    assert!(worker.claim(10).await.is_empty());
    scene.start("plain").await;
    assert_eq!(worker.claim_ids(10).await, ["plain"]);
}

pub async fn worker_of_another_pool_gets_nothing(store: AnyStore) {
    let scene = Scene::open(store).await;
    let new = NewRun {
        pool: "ollama".to_owned(),
        ..new_run("a")
    };
    scene.start_run(new).await;
    for (pool, gets) in [("cloud", 0), (POOL, 0), ("ollama", 1)] {
        let worker = scene.worker_with(pool, Labels::new(), LONG).await;
        assert_eq!(worker.claim(10).await.len(), gets, "pool {pool}");
    }
}

pub async fn run_of_unregistered_workflow_is_not_claimed(store: AnyStore) {
    let scene = Scene::open(store).await;
    let new = NewRun {
        workflow: "letter".to_owned(),
        ..new_run("a")
    };
    let run = scene.start_run(new).await;
    let mut worker = scene.worker().await;
    assert!(worker.claim(10).await.is_empty());
    assert_eq!(scene.state(&run).await, RunState::Pending);
    worker.serves.workflows.clear();
    assert!(worker.claim(10).await.is_empty());
    worker.serves.workflows = vec!["note".into(), "letter".into()];
    assert_eq!(worker.claim_only().await.run.id, run);
}

pub async fn worker_that_is_gone_claims_nothing(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    let buried = scene.worker().await;
    buried.die().await;
    let signed_off = scene.worker().await;
    scene.store.deregister(signed_off.key).await.unwrap();
    let mut unknown = signed_off.clone();
    unknown.key = WorkerKey::generate();
    for worker in [buried, signed_off, unknown] {
        assert!(worker.claim(10).await.is_empty());
        let one = scene
            .store
            .claim_one(worker.key, &run, &Limits::default())
            .await
            .unwrap();
        assert!(matches!(one, ClaimOne::Not(_)), "{one:?}");
    }
    assert_eq!(scene.state(&run).await, RunState::Pending);
}

pub async fn one_run_is_claimed_whatever_it_asks_for(store: AnyStore) {
    let scene = Scene::open(store).await;
    let new = NewRun {
        pool: "elsewhere".to_owned(),
        labels: labels(value!({"gpu": true})),
        workflow: "letter".to_owned(),
        input: json("[1]"),
        ..new_run("a")
    };
    let run = scene.start_run(new).await;
    let other = scene.start("b").await;
    let worker = scene.worker().await;
    let one = scene
        .store
        .claim_one(worker.key, &run, &Limits::default())
        .await
        .unwrap();
    let ClaimOne::Claimed(claimed) = one else {
        panic!("{one:?}");
    };
    assert_eq!(claimed.run.worker, Some(worker.key));
    assert_eq!(claimed.run, scene.run(&run).await);
    assert_eq!(claimed.journal, scene.journal(&run).await);
    // It is out of the queue, and the other is not.
    assert_eq!(worker.claim_only().await.run.id, other);
    worker.die().await;
    let heir = scene.worker().await;
    let one = scene
        .store
        .claim_one(heir.key, &run, &Limits::default())
        .await
        .unwrap();
    assert!(matches!(one, ClaimOne::Claimed(c) if c.run.epoch == 2 && c.run.claims == 1));
}

pub async fn one_run_is_not_claimed_while_it_is_not_claimable(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let run = claimed.run.id.clone();
    let worker = scene.worker().await;
    let refused = async |state: RunState| {
        let one = scene
            .store
            .claim_one(worker.key, &run, &Limits::default())
            .await
            .unwrap();
        assert!(
            matches!(&one, ClaimOne::Not(run) if run.state == state),
            "{one:?}"
        );
    };
    refused(RunState::Running).await;
    let mut parked = progress(&claimed, "x", 1);
    parked.then = park(&claimed, "g");
    scene.must_commit(parked).await;
    refused(RunState::Waiting).await;

    let delayed = NewRun {
        delay: LONG,
        ..new_run("b")
    };
    let delayed = scene.start_run(delayed).await;
    let one = scene
        .store
        .claim_one(worker.key, &delayed, &Limits::default())
        .await
        .unwrap();
    assert!(matches!(one, ClaimOne::Not(_)));

    let (_, claimed) = scene.driven("c").await;
    scene.must_commit(completion(&claimed)).await;
    let one = scene
        .store
        .claim_one(worker.key, &claimed.run.id, &Limits::default())
        .await
        .unwrap();
    assert!(matches!(one, ClaimOne::Not(run) if run.state == RunState::Completed));
}

pub async fn two_claims_of_one_run_at_once_have_one_winner(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..10 {
        let run = scene.start(&round.to_string()).await;
        let mut tasks = Vec::new();
        for n in 0..6 {
            let worker = scene.worker().await;
            let (store, run) = (scene.store.clone(), run.clone());
            tasks.push(tokio::spawn(async move {
                if n % 2 == 0 {
                    return worker.claim(1).await.len();
                }
                let one = store
                    .claim_one(worker.key, &run, &Limits::default())
                    .await
                    .unwrap();
                usize::from(matches!(one, ClaimOne::Claimed(_)))
            }));
        }
        let won = join_all(tasks).await.into_iter().map(Result::unwrap);
        assert_eq!(won.sum::<usize>(), 1);
        assert_eq!(scene.run(&run).await.epoch, 1);
    }
}

pub async fn claims_whose_reply_was_lost_are_taken_again(store: AnyStore) {
    let scene = Scene::open(store).await;
    for id in ["a", "b", "c", "other"] {
        scene.start(id).await;
    }
    let worker = scene.worker().await;
    let own = worker.claim(3).await;
    let other = scene.worker().await;
    other.claim_only().await;
    scene.must_commit(progress(&own[1], "step", 1)).await;

    let driven = [own[0].run.key()];
    let mut strays = scene.store.strays(worker.key, &driven).await.unwrap();
    strays.sort_by(|a, b| a.run.id.cmp(&b.run.id));
    assert_eq!(strays.len(), 2);
    for (stray, lost) in strays.iter().zip(&own[1..]) {
        assert_eq!(stray.run.id, lost.run.id);
        assert_eq!(stray.run.epoch, lost.run.epoch + 1);
        assert_eq!(stray.run.claims, 0, "nobody died");
        assert_eq!(stray.run, scene.run(&lost.run.id).await);
        assert_eq!(stray.journal, scene.journal(&lost.run.id).await);
        // Should the reply turn up after all, it is worth nothing.
        let stale = scene.store.commit(progress(lost, "late", 9)).await;
        assert_eq!(stale.unwrap(), Verdict::Fenced);
        scene.must_commit(progress(stray, "next", 2)).await;
    }
    scene.must_commit(progress(&own[0], "step", 1)).await;

    let all: Vec<_> = own.iter().map(|c| c.run.key()).collect();
    let none = scene.store.strays(worker.key, &all).await.unwrap();
    assert!(none.is_empty());
    worker.die().await;
    let none = scene.store.strays(worker.key, &[]).await.unwrap();
    assert!(none.is_empty(), "what it held is for others now");
}
