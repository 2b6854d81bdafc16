//! Limits of workflows: how many runs are driven at once, and how many begin in a time, whoever drives them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use sagewai::prelude::*;
use sagewai::store::{AnyStore, PostgresStore, SqliteStore};
use sagewai::{Error, RunState, Timestamp, WorkerHandle};

use crate::on_every_store;
use crate::support::{Scene, soon, until};

/// How many steps are being executed of a name, and the most there ever were.
static EXECUTING: Mutex<Option<HashMap<String, (u32, u32)>>> = Mutex::new(None);

fn executing(name: &str, more: i32) -> u32 {
    let mut table = EXECUTING.lock().unwrap();
    let entry = table.get_or_insert_default().entry(name.to_owned());
    let (now, most) = entry.or_default();
    *now = now.strict_add_signed(more);
    *most = (*most).max(*now);
    *most
}

/// Takes a moment, which others may use if they are allowed to.
#[step]
async fn occupy(names: &[String]) -> Result<()> {
    for name in names {
        executing(name, 1);
    }
    tokio::time::sleep(Duration::from_millis(15)).await;
    for name in names {
        executing(name, -1);
    }
    Ok(())
}

#[workflow(concurrency = 3)]
async fn at_most_three(name: String) -> Result<()> {
    let names = [name];
    occupy(&names).await?;
    occupy(&names).await
}

#[workflow(concurrency = 4, concurrency_per_key = 2)]
async fn two_of_a_key(all: String, key: String) -> Result<()> {
    occupy(&[all, key]).await
}

#[workflow(rate = "3/400ms")]
async fn three_in_a_while() -> Result<()> {
    Ok(())
}

#[workflow(rate_per_key = "1/300ms")]
async fn one_of_a_key_in_a_while() -> Result<()> {
    sleep(Duration::from_millis(1)).await?;
    Ok(())
}

#[workflow(concurrency = 1)]
async fn asks() -> Result<()> {
    approval("go").await?;
    Ok(())
}

#[workflow(concurrency = 1)]
async fn waits_for_word() -> Result<u32> {
    Ok(signal::<u32>("word").await?)
}

#[workflow(concurrency_per_key = 1)]
async fn keyed() -> Result<()> {
    Ok(())
}

#[workflow]
async fn parent() -> Result<String> {
    let child = child(keyed().concurrency_key("tenant-7")).start().await?;
    let id = child.run_id().to_string();
    child.result().await?;
    Ok(id)
}

#[workflow]
async fn without_limits() -> Result<()> {
    Ok(())
}

/// Workers that look seldom: what they claim soon, they have heard of. On a store that others can reach, each has a
/// handle of its own, as in processes of their own.
async fn workers(scene: &Scene, count: usize) -> Vec<WorkerHandle> {
    let mut workers = Vec::new();
    for _ in 0..count {
        let store = match scene.url.as_deref() {
            None => scene.store.clone(),
            Some(url) if url.starts_with("sqlite") => {
                AnyStore::new(SqliteStore::open(url).await.unwrap())
            }
            Some(url) => AnyStore::new(PostgresStore::connect(url).await.unwrap()),
        };
        let worker = WorkflowWorker::builder(&store)
            .workflow(at_most_three)
            .workflow(two_of_a_key)
            .workflow(three_in_a_while)
            .workflow(one_of_a_key_in_a_while)
            .workflow(asks)
            .workflow(keyed)
            .workflow(parent)
            .workflow(without_limits);
        workers.push(worker.start().await.unwrap());
    }
    workers
}

async fn end(workers: Vec<WorkerHandle>) {
    for worker in workers {
        worker.shutdown().await.unwrap();
    }
}

/// When runs began, in order.
async fn began<W: sagewai::Workflow>(runs: &[sagewai::RunHandle<W>]) -> Vec<Timestamp> {
    let mut began = Vec::new();
    for run in runs {
        began.push(run.status().await.unwrap().run.started_at.unwrap());
    }
    began.sort_unstable();
    began
}

on_every_store! {
    async fn several_workers_together_keep_a_limit_and_use_it(scene: Scene) {
        let name = scene.id("at-most-three");
        let workers = workers(&scene, 4).await;
        let calls = (0..40).map(|_| at_most_three(name.clone()));
        let runs = scene.client.start_many(calls).await.unwrap();
        for run in &runs {
            soon(run.result()).await.unwrap();
        }
        end(workers).await;
        assert_eq!(executing(&name, 0), 3);
    }

    async fn keys_are_limited_apart_and_a_busy_one_does_not_hold_up_others(scene: Scene) {
        let all = scene.id("two-of-a-key");
        let keys = ["ann", "bob", "cyd"].map(|key| format!("{all}-{key}"));
        // Bob has far more to do than the others, and was first.
        let mut runs = Vec::new();
        for (key, count) in [(&keys[1], 30), (&keys[0], 4), (&keys[2], 4)] {
            let calls = (0..count).map(|_| two_of_a_key(all.clone(), key.clone()).concurrency_key(key));
            runs.extend(scene.client.start_many(calls).await.unwrap());
        }
        let workers = workers(&scene, 3).await;
        for run in &runs {
            soon(run.result()).await.unwrap();
        }
        end(workers).await;
        // How many come to be at once, a busy machine decides; how many at most, the limits do.
        let of_keys = keys.clone().map(|key| executing(&key, 0));
        assert!(of_keys.iter().all(|most| (1..=2).contains(most)), "{of_keys:?}");
        let most = executing(&all, 0);
        assert!((2..=4).contains(&most), "{most}");
        let mut ends = Vec::new();
        for run in &runs {
            ends.push(run.status().await.unwrap().run.finished_at.unwrap());
        }
        let last_of_bob = ends[..30].iter().max();
        assert!(ends[30..].iter().max() < last_of_bob, "the others are done before bob");
    }

    async fn rate_holds_in_every_window_and_lets_the_next_ones_begin_in_time(scene: Scene) {
        let workers = workers(&scene, 3).await;
        let runs = scene.client.start_many((0..10).map(|_| three_in_a_while())).await.unwrap();
        for run in &runs {
            soon(run.result()).await.unwrap();
        }
        end(workers).await;
        let began = began(&runs).await;
        for window in began.windows(4) {
            let length = window[0].until(window[3]);
            assert!(length >= Duration::from_millis(400), "{began:?}");
        }
        // Three pauses, and not three polls of nine seconds each.
        assert!(began[0].until(began[9]) < Duration::from_secs(8), "{began:?}");
    }

    async fn rate_of_a_key_is_its_own(scene: Scene) {
        let workers = workers(&scene, 2).await;
        let mut of_key = Vec::new();
        for key in ["a", "b"] {
            let calls = (0..4).map(|_| one_of_a_key_in_a_while().concurrency_key(key));
            of_key.push(scene.client.start_many(calls).await.unwrap());
        }
        for runs in &of_key {
            for run in runs {
                soon(run.result()).await.unwrap();
            }
            let began = began(runs).await;
            for pair in began.windows(2) {
                assert!(pair[0].until(pair[1]) >= Duration::from_millis(300), "{began:?}");
            }
        }
        end(workers).await;
    }

    async fn run_that_waits_for_a_person_leaves_its_slot_to_others(scene: Scene) {
        let workers = workers(&scene, 2).await;
        let runs = scene.client.start_many((0..4).map(|_| asks())).await.unwrap();
        for run in &runs {
            until(async || {
                let state = run.status().await.unwrap().run.state;
                (state == RunState::Waiting).then_some(())
            }).await;
        }
        for run in &runs {
            scene.client.gate(run.id().as_str(), "go").approve("ann").await.unwrap();
        }
        for run in &runs {
            soon(run.result()).await.unwrap();
        }
        end(workers).await;
    }

    async fn run_in_place_waits_for_a_slot(scene: Scene) {
        let first = waits_for_word().run_id(scene.id("first")).start(&scene.client).await.unwrap();
        let worker = scene.worker().workflow(waits_for_word).start().await.unwrap();
        until(async || {
            let state = first.status().await.unwrap().run.state;
            (state == RunState::Waiting).then_some(())
        }).await;
        worker.shutdown().await.unwrap();
        // It waits, so its slot is free, and this one is driven until it waits as well.
        let second = waits_for_word().run_id(scene.id("second"));
        let settled = soon(second.run(&scene.client)).await.unwrap();
        assert!(matches!(settled, sagewai::Settled::Waiting(_)), "{settled:?}");
    }

    async fn key_is_kept_with_the_run_and_its_child(scene: Scene) {
        let workers = workers(&scene, 1).await;
        let run = keyed().concurrency_key("tenant-7").delay(Duration::from_millis(1));
        let run = run.start(&scene.client).await.unwrap();
        let key = run.status().await.unwrap().run.concurrency_key;
        assert_eq!(key.as_deref(), Some("tenant-7"));
        soon(run.result()).await.unwrap();
        let parent = parent().start(&scene.client).await.unwrap();
        let child = soon(parent.result()).await.unwrap();
        let child = scene.client.handle::<keyed>(child).await.unwrap();
        let key = child.status().await.unwrap().run.concurrency_key;
        assert_eq!(key.as_deref(), Some("tenant-7"));
        end(workers).await;
    }

    async fn key_that_nothing_limits_is_refused(scene: Scene) {
        let refused = without_limits().concurrency_key("tenant-7").start(&scene.client).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)), "{refused:?}");
        assert!(refused.to_string().contains("`without_limits` has no limit per key"), "{refused}");
        for key in [String::new(), "k".repeat(201), "a\nb".to_owned()] {
            let refused = keyed().concurrency_key(key).start(&scene.client).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        }
    }
}
