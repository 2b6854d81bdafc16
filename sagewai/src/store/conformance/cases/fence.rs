//! Which commits are let through.

use crate::model::{Commit, Lease, RunId, RunState, Then, Verdict, WorkerKey};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    Scene, ask, completion, nothing, park, progress, within_patience, yes,
};

pub async fn commit_given_twice_answers_the_same(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, going_on) = scene.driven("going on").await;
    let (_, parked) = scene.driven("parked").await;
    let (_, finished) = scene.driven("finished").await;
    let (_, back) = scene.driven("back").await;
    let (_, awake) = scene.driven("awake").await;
    scene.vote(&awake.run.id, "g", yes("ann")).await;
    let with_step = |claimed, then| Commit {
        then,
        ..progress(claimed, "step", 1)
    };
    let commits = [
        (progress(&going_on, "step", 1), Verdict::Committed),
        (with_step(&parked, park(&parked, "g")), Verdict::Committed),
        (completion(&finished), Verdict::Committed),
        (with_step(&back, Then::HandBack), Verdict::Committed),
        (with_step(&awake, park(&awake, "g")), Verdict::Awake),
    ];
    for (commit, verdict) in commits {
        let key = commit.run;
        let first = scene.store.commit(commit.clone()).await.unwrap();
        assert_eq!(first, verdict);
        let claimed = [&going_on, &parked, &finished, &back, &awake];
        let run = claimed.iter().find(|c| c.run.key() == key).unwrap();
        let before = (
            scene.run(&run.run.id).await,
            scene.journal(&run.run.id).await,
        );
        let second = scene.store.commit(commit).await.unwrap();
        assert_eq!(second, verdict);
        let after = (
            scene.run(&run.run.id).await,
            scene.journal(&run.run.id).await,
        );
        assert_eq!(before, after, "the second time changes nothing");
    }
}

pub async fn commit_given_twice_is_still_stored_after_a_takeover(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    let commit = progress(&claimed, "step", 1);
    scene.must_commit(commit.clone()).await;
    worker.die().await;
    let heir = scene.worker().await.claim_only().await;
    scene.must_commit(commit).await;
    assert_eq!(scene.run(&claimed.run.id).await, heir.run);
    fenced(&scene, progress(&claimed, "next", 2), &claimed.run.id).await;
}

pub async fn commit_under_an_old_epoch_is_fenced(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let back = Commit {
        then: Then::HandBack,
        ..nothing(&claimed)
    };
    scene.must_commit(back).await;
    scene.worker().await.claim_only().await;
    for then in [Then::Continue, park(&claimed, "g"), Then::HandBack] {
        let commit = Commit {
            then,
            ..progress(&claimed, "step", 1)
        };
        fenced(&scene, commit, &claimed.run.id).await;
    }
    fenced(&scene, completion(&claimed), &claimed.run.id).await;
}

pub async fn commit_of_another_worker_is_fenced(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let other = scene.worker().await;
    for worker in [other.key, WorkerKey::generate()] {
        let commit = Commit {
            worker,
            ..progress(&claimed, "step", 1)
        };
        fenced(&scene, commit, &claimed.run.id).await;
    }
    scene.must_commit(progress(&claimed, "step", 1)).await;
}

pub async fn commit_of_a_buried_worker_is_fenced(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    worker.die().await;
    fenced(&scene, progress(&claimed, "step", 1), &claimed.run.id).await;
    fenced(&scene, completion(&claimed), &claimed.run.id).await;
    let heir = scene.worker().await;
    let claimed = heir.claim_only().await;
    scene.store.deregister(heir.key).await.unwrap();
    fenced(&scene, progress(&claimed, "step", 1), &claimed.run.id).await;
}

pub async fn commit_after_the_lease_passed_is_fenced_until_a_heartbeat(store: AnyStore) {
    let scene = Scene::open(store).await;
    scene.start("a").await;
    let (worker, claimed) = scene.holder_with_short_lease().await;
    scene.until_lease_passed(&worker).await;
    fenced(&scene, progress(&claimed, "step", 1), &claimed.run.id).await;
    // Nobody has found the worker dead meanwhile. The lease is short, so it may take more than one.
    let commit = progress(&claimed, "step", 1);
    within_patience("a commit within a lease", async {
        loop {
            let lease = scene.store.heartbeat(worker.key, &[]).await.unwrap();
            assert_eq!(lease, Lease::Kept);
            if scene.store.commit(commit.clone()).await.unwrap() == Verdict::Committed {
                break;
            }
        }
    })
    .await;
    assert_eq!(scene.positions(&claimed.run.id).await, ["step"]);
}

pub async fn commit_of_a_run_that_is_over_is_fenced(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    scene.must_commit(completion(&claimed)).await;
    fenced(&scene, progress(&claimed, "step", 1), &claimed.run.id).await;
    assert_eq!(scene.state(&claimed.run.id).await, RunState::Completed);
}

pub async fn commit_of_an_unknown_run_is_fenced(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let commit = Commit {
        run: RunId::generate().key(),
        ..progress(&claimed, "step", 1)
    };
    let verdict = scene.store.commit(commit).await.unwrap();
    assert_eq!(verdict, Verdict::Fenced);
}

/// Gives a commit, and asserts that it is refused and leaves nothing.
async fn fenced(scene: &Scene, mut commit: Commit, run: &RunId) {
    commit.gates.push(ask("fenced"));
    let before = (scene.run(run).await, scene.journal(run).await);
    let verdict = scene.store.commit(commit).await.unwrap();
    assert_eq!(verdict, Verdict::Fenced);
    let after = (scene.run(run).await, scene.journal(run).await);
    assert_eq!(before, after, "a fenced commit leaves nothing");
}
