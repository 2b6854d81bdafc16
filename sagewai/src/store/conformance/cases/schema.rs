//! Tables, the clock, hints.

use futures_util::future::join_all;

use crate::model::RunState;
use crate::store::AnyStore;
use crate::store::conformance::scene::{Scene, completion, within_patience, yes};

pub async fn tables_are_made_once_however_often_and_by_however_many(store: AnyStore) {
    let at_once = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.initialize().await })
    });
    for made in join_all(at_once).await {
        made.unwrap().unwrap();
    }
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    scene.store.initialize().await.unwrap();
    scene.store.check().await.unwrap();
    assert_eq!(scene.state(&run).await, RunState::Pending);
}

pub async fn clock_does_not_run_backwards(store: AnyStore) {
    let scene = Scene::open(store).await;
    let first = scene.store.now().await.unwrap();
    let run = scene.start("a").await;
    let created = scene.run(&run).await.created_at;
    assert!(first <= created);
    assert!(created <= scene.store.now().await.unwrap());
}

pub async fn hint_follows_what_makes_work(store: AnyStore) {
    let scene = Scene::open(store).await;
    let mut work = scene.store.hints().watch_work();
    let run = scene.start("a").await;
    within_patience("a hint after a start", work.changed()).await;

    scene.worker().await.claim_only().await;
    let mut work = scene.store.hints().watch_work();
    scene.vote(&run, "g", yes("ann")).await;
    within_patience("a hint after a decision", work.changed()).await;
}

pub async fn hint_follows_the_end_of_a_run(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let mut end = scene.store.hints().watch_run(claimed.run.key());
    scene.must_commit(completion(&claimed)).await;
    within_patience("a hint after the end", end.changed()).await;
}
