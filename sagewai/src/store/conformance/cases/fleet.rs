//! Workers as a whole: what is wanted of them, what waits for them, and what is meant for them.

use std::time::Duration;

use serde_json::json;

use crate::model::{
    Act, Assigned, Assigning, Backlog, Balancing, Constraints, Labels, NewRun, NewWorker, Program,
    QueueName, Registered, RunState, ServedWorkflow, Then, Wish, WorkerKey,
};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, POOL, Scene, WORKFLOW, Worker, completion, labels, nap, new_run, nothing, progress,
};

fn named(name: &str, exclusive: bool) -> NewWorker {
    NewWorker {
        key: WorkerKey::generate(),
        name: name.to_owned(),
        exclusive,
        pool: POOL.to_owned(),
        labels: Labels::new(),
        slots: 10,
        lease: LONG,
        host: "here".to_owned(),
        program: Program {
            version: Some("1.4.2".to_owned()),
            host: "host-a".to_owned(),
            pid: 4_711,
            workflows: vec![WORKFLOW.into()],
        },
    }
}

fn gpu() -> QueueName {
    QueueName {
        workflow: WORKFLOW.to_owned(),
        version: 1,
        pool: "gpu".to_owned(),
        labels: labels(json!({"gpu": true})),
    }
}

async fn gpu_worker(scene: &Scene) -> Worker {
    let labels = labels(json!({"gpu": true, "zone": "eu"}));
    scene.worker_with("gpu", labels, LONG).await
}

pub async fn wish_comes_with_the_beat_until_the_worker_is_gone(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, other) = (scene.worker().await, scene.worker().await);
    let wished = async |key| scene.store.wished(key).await.unwrap();
    assert_eq!(wished(worker.key).await, Some(Wish::Run));
    let before = scene.store.hints().wishes();
    assert!(scene.store.wish(worker.key, Wish::Pause).await.unwrap());
    assert!(scene.store.hints().wishes() > before);
    assert_eq!(wished(worker.key).await, Some(Wish::Pause));
    let beat = scene.store.beat(worker.key, &worker.serves, &[]).await;
    assert_eq!(beat.unwrap().wish, Wish::Pause);
    assert_eq!(wished(other.key).await, Some(Wish::Run));
    let listed = scene.store.workers(Duration::ZERO).await.unwrap();
    let shown = listed.iter().find(|w| w.registered.key == worker.key);
    assert_eq!(shown.unwrap().wish, Wish::Pause);

    worker.die().await;
    assert!(!scene.store.wish(worker.key, Wish::Run).await.unwrap());
    assert_eq!(wished(worker.key).await, None);
    assert_eq!(wished(WorkerKey::generate()).await, None);
}

pub async fn name_of_its_own_is_that_of_one_living_worker(store: AnyStore) {
    let scene = Scene::open(store).await;
    let first = named("gpu-1", true);
    let register = async |worker: &NewWorker| scene.store.register(worker).await.unwrap();
    assert_eq!(register(&first).await, Registered::Done);
    assert_eq!(register(&first).await, Registered::Done, "again");
    let second = named("gpu-1", true);
    let Registered::NameHeld(holder) = register(&second).await else {
        panic!("two workers have one name");
    };
    assert_eq!(holder.registered, first);
    // Who calls no name his own takes none.
    assert_eq!(register(&named("gpu-1", false)).await, Registered::Done);
    scene.store.deregister(first.key).await.unwrap();
    assert_eq!(register(&second).await, Registered::Done);
    assert!(scene.store.bury(second.key).await.unwrap());
    assert_eq!(register(&named("gpu-1", true)).await, Registered::Done);

    let listed = scene.store.workers(LONG).await.unwrap();
    let left = |key| listed.iter().find(|w| w.registered.key == key).unwrap();
    assert!(left(first.key).signed_off && !left(second.key).signed_off);
}

pub async fn two_registrations_of_one_name_at_once_are_one(store: AnyStore) {
    let scene = Scene::open(store).await;
    let workers: Vec<NewWorker> = (0..8).map(|_| named("gpu-1", true)).collect();
    let registered = workers.iter().map(|worker| scene.store.register(worker));
    let registered = futures_util::future::join_all(registered).await;
    let done = registered.into_iter().map(Result::unwrap);
    assert_eq!(done.filter(|r| *r == Registered::Done).count(), 1);
}

pub async fn worker_takes_only_versions_that_it_serves(store: AnyStore) {
    let scene = Scene::open(store).await;
    for (id, version) in [("one", 1), ("two", 2), ("three", 3)] {
        let new = NewRun {
            version,
            ..new_run(id)
        };
        scene.start_run(new).await;
    }
    let served = |version| ServedWorkflow {
        name: WORKFLOW.to_owned(),
        version,
    };
    let mut worker = scene.worker().await;
    worker.serves.workflows = vec![served(2)];
    let claimed = worker.claim_only().await;
    assert_eq!((claimed.run.id.as_str(), claimed.run.version), ("two", 2));
    let beat = scene.store.beat(worker.key, &worker.serves, &[]).await;
    beat.unwrap();
    worker.serves.workflows = vec![served(1), served(3)];
    let mut others = worker.claim_ids(10).await;
    others.sort();
    assert_eq!(others, ["one", "three"]);
    // A run that its worker leaves behind is for those that serve its version.
    worker.die().await;
    let old = scene.worker().await;
    assert_eq!(old.claim_ids(10).await, ["one"]);
}

pub async fn backlog_tells_what_waits_by_what_it_asks_for(store: AnyStore) {
    let scene = Scene::open(store).await;
    assert_eq!(scene.store.backlog().await.unwrap(), []);
    let asks = labels(json!({"zone": "eu"}));
    for id in ["a", "b", "c"] {
        let new = NewRun {
            labels: asks.clone(),
            ..new_run(id)
        };
        scene.start_run(new).await;
    }
    let later = NewRun {
        delay: LONG,
        ..new_run("later")
    };
    scene.start_run(later).await;
    let plain = scene.start("plain").await;
    let since = scene.run(&"a".try_into().unwrap()).await.created_at;
    let waits = |labels: &Labels, runs, since| Backlog {
        queue: QueueName {
            labels: labels.clone(),
            ..new_run("x").home()
        },
        runs,
        since,
    };
    let own = waits(&Labels::new(), 1, scene.run(&plain).await.created_at);
    let backlog = scene.store.backlog().await.unwrap();
    assert_eq!(backlog, [own, waits(&asks, 3, since)]);
    scene.worker().await.claim_only().await;
    let backlog = scene.store.backlog().await.unwrap();
    assert_eq!(backlog, [waits(&asks, 3, since)]);
}

pub async fn run_that_is_handed_over_goes_where_it_is_sent(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (home, claimed) = scene.driven("a").await;
    let mut work = scene.store.hints().watch_work();
    let hand_over = crate::model::Commit {
        then: Then::HandOver(gpu()),
        ..progress(&claimed, "first", 1)
    };
    scene.must_commit(hand_over.clone()).await;
    tokio::time::timeout(LONG, work.changed()).await.unwrap();
    // Told again, because the reply was lost.
    scene.must_commit(hand_over).await;
    assert_eq!(scene.state(&claimed.run.id).await, RunState::Pending);
    assert!(home.claim(10).await.is_empty(), "it is elsewhere");
    assert_eq!(scene.store.backlog().await.unwrap()[0].queue, gpu());

    let there = gpu_worker(&scene).await;
    let taken = there.claim_only().await;
    assert_eq!(taken.journal.checkpoints.len(), 2, "with what it has");
    // To its own code it is the run that was started.
    assert_eq!(
        (&taken.run.pool, &taken.run.labels),
        (&claimed.run.pool, &claimed.run.labels)
    );
    // Who takes it over must be of the same kind.
    there.die().await;
    assert!(home.claim(10).await.is_empty());
    let heir = gpu_worker(&scene).await;
    let taken = heir.claim_only().await;
    // Given back, it stays there.
    let back = crate::model::Commit {
        then: Then::HandBack,
        ..nothing(&taken)
    };
    scene.must_commit(back).await;
    assert!(home.claim(10).await.is_empty());
    let taken = heir.claim_only().await;
    scene.must_commit(completion(&taken)).await;
}

pub async fn run_that_was_handed_over_is_home_after_a_sleep(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (home, claimed) = scene.driven("a").await;
    let away = gpu_worker(&scene).await;
    let hand_over = |claimed| crate::model::Commit {
        then: Then::HandOver(gpu()),
        ..nothing(claimed)
    };
    scene.must_commit(hand_over(&claimed)).await;
    let taken = away.claim_only().await;
    scene
        .must_commit(nap(&taken, Duration::from_millis(1)))
        .await;
    scene.tick_until_woken(1).await;
    assert!(away.claim(10).await.is_empty());
    let claimed = home.claim_only().await;

    // A person who stops it brings it home too, also where it waits in a queue.
    scene.must_commit(hand_over(&claimed)).await;
    let by = "ann".to_owned();
    let run = &claimed.run.id;
    scene.done(run, &Act::Pause { by: by.clone() }).await;
    assert!(away.claim(10).await.is_empty());
    scene.done(run, &Act::Resume { by }).await;
    assert!(away.claim(10).await.is_empty());
    home.claim_only().await;
}

pub async fn run_that_was_handed_over_can_be_cancelled_in_its_queue(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let hand_over = crate::model::Commit {
        then: Then::HandOver(gpu()),
        ..nothing(&claimed)
    };
    scene.must_commit(hand_over).await;
    let cancel = Act::Cancel {
        by: "ann".to_owned(),
        reason: "no longer wanted".to_owned(),
    };
    scene.done(&claimed.run.id, &cancel).await;
    assert_eq!(scene.store.backlog().await.unwrap(), []);
    assert!(gpu_worker(&scene).await.claim(10).await.is_empty());
}

fn asking(balancing: Balancing, lasts: Duration) -> Assigning {
    Assigning {
        id: uuid::Uuid::now_v7(),
        constraints: Constraints {
            pool: POOL.to_owned(),
            labels: Labels::new(),
            workflow: None,
            worker: None,
        },
        balancing,
        last: None,
        lasts,
    }
}

async fn assigned(scene: &Scene, ask: &Assigning) -> Assigned {
    let assigned = scene.store.assign(ask).await.unwrap();
    assigned.expect("a worker is there")
}

fn meant_for(assigned: &Assigned, id: &str) -> NewRun {
    NewRun {
        delay: assigned.lasts,
        assigned: Some(assigned.clone()),
        ..new_run(id)
    }
}

pub async fn run_that_is_meant_for_a_worker_goes_to_it(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (one, two) = (scene.worker().await, scene.worker().await);
    let to = assigned(&scene, &asking(Balancing::LeastLoaded, LONG)).await;
    let (its, other) = if to.worker == one.key {
        (one, two)
    } else {
        (two, one)
    };
    scene.start_run(meant_for(&to, "a")).await;
    assert!(other.claim(10).await.is_empty());
    let beat = scene.store.beat(its.key, &its.serves, &[]).await.unwrap();
    assert!(beat.work, "it is told");
    let claimed = its.claim_only().await;
    assert_eq!(claimed.run.due_at, None);
    assert!(its.claim(10).await.is_empty(), "once");
    scene.tick_until_quiet(Duration::from_secs(1)).await;
    scene.must_commit(completion(&claimed)).await;
}

pub async fn run_that_is_meant_for_a_worker_that_does_not_come_goes_to_any(store: AnyStore) {
    let scene = Scene::open(store).await;
    let gone = scene.worker().await;
    let short = Duration::from_millis(5);
    let to = assigned(&scene, &asking(Balancing::LeastLoaded, short)).await;
    scene.start_run(meant_for(&to, "a")).await;
    let other = scene.worker().await;
    gone.die().await;
    scene.tick_until_woken(1).await;
    let claimed = other.claim_only().await;
    assert_eq!(claimed.run.worker, Some(other.key));
}

pub async fn worker_leaves_what_is_meant_for_it_where_it_does_not_serve_it(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    let to = assigned(&scene, &asking(Balancing::LeastLoaded, LONG)).await;
    let new = NewRun {
        labels: labels(json!({"gpu": true})),
        ..meant_for(&to, "a")
    };
    let run = scene.start_run(new).await;
    assert!(worker.claim(10).await.is_empty());
    assert_eq!(scene.state(&run).await, RunState::Pending);
}

pub async fn choices_count_before_anything_is_claimed(store: AnyStore) {
    let scene = Scene::open(store).await;
    for _ in 0..4 {
        scene.worker().await;
    }
    let mut chosen = Vec::new();
    for _ in 0..4 {
        let to = assigned(&scene, &asking(Balancing::LeastLoaded, LONG)).await;
        chosen.push(to.worker);
    }
    chosen.sort_unstable();
    chosen.dedup();
    assert_eq!(chosen.len(), 4, "four choices are four workers");
}

pub async fn choices_at_once_are_spread(store: AnyStore) {
    let scene = Scene::open(store).await;
    for _ in 0..4 {
        scene.worker().await;
    }
    let asks: Vec<Assigning> = (0..8)
        .map(|_| asking(Balancing::LeastLoaded, LONG))
        .collect();
    let chosen = asks.iter().map(|ask| scene.store.assign(ask));
    let chosen = futures_util::future::join_all(chosen).await;
    let mut times = std::collections::BTreeMap::new();
    for to in chosen {
        *times.entry(to.unwrap().unwrap().worker).or_insert(0) += 1;
    }
    assert_eq!(times.into_values().collect::<Vec<_>>(), [2, 2, 2, 2]);
}

pub async fn choice_that_was_claimed_counts_as_a_run_and_one_that_expired_not_at_all(
    store: AnyStore,
) {
    let scene = Scene::open(store).await;
    let only = scene.worker().await;
    let below = |part| asking(Balancing::Threshold(part), LONG);
    // One of ten slots.
    let to = assigned(&scene, &below(0.05)).await;
    assert_eq!(scene.store.assign(&below(0.05)).await.unwrap(), None);
    scene.start_run(meant_for(&to, "a")).await;
    let claimed = only.claim_only().await;
    assert_eq!(scene.store.assign(&below(0.1)).await.unwrap(), None);
    scene.must_commit(completion(&claimed)).await;

    let short = asking(Balancing::Threshold(0.05), Duration::from_micros(1));
    assigned(&scene, &short).await;
    let began = std::time::Instant::now();
    while scene.store.assign(&below(0.05)).await.unwrap().is_none() {
        assert!(began.elapsed() < LONG, "a choice does not expire");
    }
}
