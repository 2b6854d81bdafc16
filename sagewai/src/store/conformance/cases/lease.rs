//! Leases of workers.

use std::time::Duration;

use crate::model::{Labels, Lease, Position, RunningStep, WorkerKey, WorkerRecord};
use crate::store::AnyStore;
use crate::store::conformance::scene::{LONG, POOL, Scene, Worker, id};

const SHORT: Duration = Duration::from_millis(5);

pub async fn heartbeat_extends_the_lease_and_tells_what_runs(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    let before = record(&scene, &worker).await;
    assert_eq!(before.started_at.until(before.lease_until), LONG);
    assert_eq!((before.gone_at, before.running.len()), (None, 0));
    let running = [RunningStep {
        run: id("ein Lauf"),
        position: Position::from("draft#2"),
        attempt: 2,
        for_ms: 1_500,
    }];
    let lease = scene.store.heartbeat(worker.key, &running).await.unwrap();
    assert_eq!(lease, Lease::Kept);
    let after = record(&scene, &worker).await;
    assert!(after.lease_until > before.lease_until);
    assert!(after.seen_at > before.seen_at);
    assert_eq!(after.seen_at.until(after.lease_until), LONG);
    assert_eq!(after.running, running);
    assert_eq!(after.started_at, before.started_at);
    assert_eq!(after.registered, before.registered);
    assert_eq!(scene.store.tick().await.unwrap().buried, 0);
}

pub async fn heartbeat_of_a_worker_that_is_gone_is_lost(store: AnyStore) {
    let scene = Scene::open(store).await;
    let buried = scene.worker().await;
    buried.die().await;
    let signed_off = scene.worker().await;
    scene.store.deregister(signed_off.key).await.unwrap();
    let expired = scene.worker_with(POOL, Labels::new(), SHORT).await;
    scene.tick_until_buried(1).await;
    for key in [
        buried.key,
        signed_off.key,
        expired.key,
        WorkerKey::generate(),
    ] {
        let lease = scene.store.heartbeat(key, &[]).await.unwrap();
        assert_eq!(lease, Lease::Lost);
    }
    let before = record(&scene, &buried).await;
    assert!(before.gone_at.is_some(), "it stays dead");
}

pub async fn lease_that_passed_is_found_by_the_clock(store: AnyStore) {
    let scene = Scene::open(store).await;
    scene.start("a").await;
    let (worker, claimed) = scene.holder_with_short_lease().await;
    let heir = scene.worker().await;
    assert!(
        heir.claim(10).await.is_empty(),
        "not before the clock was looked at"
    );
    scene.until_lease_passed(&worker).await;
    let alive = scene.store.workers(Duration::ZERO).await.unwrap().len() as u64;
    // Earlier tries at a short lease died with it.
    scene.tick_until_buried(alive - 1).await;
    assert!(record(&scene, &worker).await.gone_at.is_some());
    let taken = heir.claim_only().await;
    assert_eq!(taken.run.epoch, claimed.run.epoch + 1);
    assert_eq!(scene.store.tick().await.unwrap().buried, 0, "found once");
}

pub async fn worker_is_buried_once(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    assert!(scene.store.bury(worker.key).await.unwrap());
    assert!(!scene.store.bury(worker.key).await.unwrap());
    assert!(!scene.store.bury(WorkerKey::generate()).await.unwrap());
    let signed_off = scene.worker().await;
    scene.store.deregister(signed_off.key).await.unwrap();
    // A worker that shuts down twice does no harm.
    scene.store.deregister(signed_off.key).await.unwrap();
    assert!(!scene.store.bury(signed_off.key).await.unwrap());
}

pub async fn workers_are_listed_newest_first(store: AnyStore) {
    let scene = Scene::open(store).await;
    let gone = scene.worker().await;
    let old = scene.worker().await;
    let labels = crate::model::Labels::from_json(serde_json::json!({"gpu": true})).unwrap();
    let new = scene.worker_with("gpu", labels.clone(), LONG).await;
    gone.die().await;
    let keys = async |since| {
        let workers = scene.store.workers(since).await.unwrap();
        let keys = workers.iter().map(|w| w.registered.key);
        keys.collect::<Vec<_>>()
    };
    assert_eq!(keys(LONG).await, [new.key, old.key, gone.key]);
    assert_eq!(keys(Duration::ZERO).await, [new.key, old.key]);
    let shown = record(&scene, &new).await;
    assert_eq!(shown.registered.pool, "gpu");
    assert_eq!(shown.registered.labels, labels);
    assert_eq!((shown.registered.slots, shown.registered.lease), (10, LONG));
    let texts = (
        shown.registered.name.as_str(),
        shown.registered.host.as_str(),
    );
    assert_eq!(texts, ("w", "here"));
}

async fn record(scene: &Scene, worker: &Worker) -> WorkerRecord {
    let workers = scene.store.workers(LONG).await.unwrap();
    let found = workers.into_iter().find(|w| w.registered.key == worker.key);
    found.expect("the worker is listed")
}
