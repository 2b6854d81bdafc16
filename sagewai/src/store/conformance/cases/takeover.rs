//! Runs of workers that are gone.

use futures_util::future::join_all;
use serde_json::json as value;

use crate::model::{Claimed, Commit, EventKind, Labels, NewRun, RunState, Then, Verdict};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, POOL, Scene, completion, labels, new_run, nothing, progress,
};

pub async fn run_of_a_worker_that_signed_off_is_claimable_at_once(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    scene.must_commit(progress(&claimed, "step", 1)).await;
    scene.store.deregister(worker.key).await.unwrap();
    assert_eq!(scene.state(&claimed.run.id).await, RunState::Running);
    let heir = scene.worker().await;
    let taken = heir.claim_only().await;
    assert_eq!((taken.run.epoch, taken.run.worker), (2, Some(heir.key)));
    assert_eq!(taken.run, scene.run(&claimed.run.id).await);
    assert_eq!(taken.journal, scene.journal(&claimed.run.id).await);
    assert!(
        taken.journal.at("step").is_some(),
        "what was committed is there"
    );
    let told = EventKind::Claimed {
        worker: "w".to_owned(),
        takeover: true,
    };
    assert_eq!(taken.journal.events[0].kind, told);
}

pub async fn takeover_comes_before_queued_runs(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, _) = scene.driven("orphan").await;
    let urgent = NewRun {
        priority: 100,
        ..new_run("urgent")
    };
    scene.start_run(urgent).await;
    worker.die().await;
    let heir = scene.worker().await;
    assert_eq!(heir.claim_ids(1).await, ["orphan"]);
    assert_eq!(heir.claim_ids(1).await, ["urgent"]);
}

pub async fn takeover_finds_what_a_worker_still_has_among_all_it_had(store: AnyStore) {
    let scene = Scene::open(store).await;
    for n in 0..40 {
        scene.start(&n.to_string()).await;
    }
    let worker = scene.worker().await;
    let mut left = Vec::new();
    for (n, claimed) in worker.claim(40).await.iter().enumerate() {
        let then = match n % 4 {
            0 => completion(claimed),
            // Given back and taken again below, by the same worker.
            1 => Commit {
                then: Then::HandBack,
                ..nothing(claimed)
            },
            _ => progress(claimed, "step", 1),
        };
        scene.must_commit(then).await;
        if n % 4 != 0 {
            left.push(claimed.run.id.to_string());
        }
        // What it is known to have is put in order from time to time.
        if n % 10 == 0 {
            worker.heartbeat().await;
        }
    }
    assert_eq!(worker.claim(40).await.len(), 10);
    worker.heartbeat().await;
    worker.die().await;
    let heir = scene.worker().await;
    let mut taken = [heir.claim_ids(7).await, heir.claim_ids(100).await].concat();
    assert!(heir.claim_ids(1).await.is_empty());
    taken.sort();
    left.sort();
    assert_eq!(taken, left, "each once");
    // The heir has them now, for the next one.
    heir.heartbeat().await;
    heir.die().await;
    assert_eq!(scene.worker().await.claim(100).await.len(), 30);
}

pub async fn takeover_has_one_winner(store: AnyStore) {
    let scene = Scene::open(store).await;
    for n in 0..30 {
        scene.start(&n.to_string()).await;
    }
    let worker = scene.worker().await;
    assert_eq!(worker.claim(30).await.len(), 30);
    worker.die().await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let heir = scene.worker().await;
        tasks.push(tokio::spawn(async move {
            let mut own = Vec::new();
            loop {
                let ids = heir.claim_ids(3).await;
                if ids.is_empty() {
                    return own;
                }
                own.extend(ids);
            }
        }));
    }
    let shares = join_all(tasks).await;
    let mut all: Vec<String> = shares.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(all.len(), 30);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 30);
}

pub async fn takeover_asks_for_pool_labels_and_workflow(store: AnyStore) {
    let scene = Scene::open(store).await;
    let new = NewRun {
        pool: "gpu".to_owned(),
        labels: labels(value!({"gpu": true})),
        ..new_run("a")
    };
    scene.start_run(new).await;
    let fitting = || scene.worker_with("gpu", labels(value!({"gpu": true, "n": 1})), LONG);
    let worker = fitting().await;
    worker.claim_only().await;
    worker.die().await;
    let offered = labels(value!({"gpu": true}));
    let of_other_pool = scene.worker_with(POOL, offered, LONG).await;
    let without_labels = scene.worker_with("gpu", Labels::new(), LONG).await;
    let mut without_workflow = fitting().await;
    without_workflow.serves.workflows = vec!["letter".into()];
    for stranger in [of_other_pool, without_labels, without_workflow] {
        assert!(stranger.claim(10).await.is_empty());
    }
    fitting().await.claim_only().await;
}

pub async fn claim_whose_reply_was_lost_is_taken_again_by_its_worker(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, lost) = scene.driven("a").await;
    scene.must_commit(progress(&lost, "step", 1)).await;
    let known = [lost.run.key()];
    assert_eq!(scene.store.strays(worker.key, &known).await.unwrap(), []);

    let strays = scene.store.strays(worker.key, &[]).await.unwrap();
    assert_eq!(strays.len(), 1);
    assert_eq!((strays[0].run.epoch, strays[0].run.claims), (2, 0));
    assert_eq!(strays[0].run, scene.run(&lost.run.id).await);
    assert_eq!(strays[0].journal, scene.journal(&lost.run.id).await);
    let stale = scene
        .store
        .commit(progress(&lost, "next", 2))
        .await
        .unwrap();
    assert_eq!(stale, Verdict::Fenced);
    scene.must_commit(progress(&strays[0], "next", 2)).await;

    let other = scene.worker().await;
    assert_eq!(scene.store.strays(other.key, &[]).await.unwrap(), []);
    worker.die().await;
    assert_eq!(scene.store.strays(worker.key, &[]).await.unwrap(), []);
}

pub async fn deaths_without_progress_are_counted(store: AnyStore) {
    let scene = Scene::open(store).await;
    scene.start("a").await;
    let take = async || -> (_, Claimed) {
        let worker = scene.worker().await;
        let claimed = worker.claim_only().await;
        (worker, claimed)
    };
    let (worker, first) = take().await;
    assert_eq!(first.run.claims, 0);
    worker.die().await;
    let (worker, second) = take().await;
    assert_eq!(second.run.claims, 1);
    worker.die().await;
    let (worker, third) = take().await;
    assert_eq!(third.run.claims, 2);
    scene.must_commit(progress(&third, "step", 1)).await;
    worker.die().await;
    let (worker, fourth) = take().await;
    assert_eq!(
        fourth.run.claims, 1,
        "it made progress, and then one more died"
    );
    worker.die().await;
    let (_, fifth) = take().await;
    assert_eq!(
        fifth.run.claims, 2,
        "progress of an earlier claim counts once"
    );
    let back = Commit {
        then: Then::HandBack,
        ..nothing(&fifth)
    };
    scene.must_commit(back).await;
    let (_, sixth) = take().await;
    assert_eq!((sixth.run.claims, sixth.run.epoch), (0, 6), "nobody died");
}
