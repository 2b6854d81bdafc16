//! Wake-ups: whatever comes, whenever it comes, is not lost.

use std::time::Duration;

use futures_util::future::join_all;
use sagewai::prelude::*;
use sagewai::store::AnyStore;
use sagewai::{RunState, WorkflowWorker};
use sagewai_tests::watched_store::WatchedStore;

use crate::on_every_store;
use crate::support::{soon, until};

#[workflow]
async fn half(number: u32) -> Result<u32> {
    Ok(number / 2)
}

/// Waits for everything there is, in an order that the run is told.
#[workflow]
async fn waits(order: Vec<u8>, pause_us: u64) -> Result<u32> {
    let mut sum = 0;
    for what in order {
        sum += match what % 4 {
            0 => signal::<u32>("number").await?,
            1 => u32::from(approval("go").await?.approved),
            2 => half(200).await?,
            _ => {
                sleep(Duration::from_micros(pause_us)).await?;
                1_000
            }
        };
    }
    Ok(sum)
}

#[workflow]
async fn one_message(_number: u32) -> Result<u32> {
    Ok(signal::<u32>("number").await?)
}

/// A number that follows from another as if by chance. (splitmix64: Steele, Lea, Flood, 2014.)
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

on_every_store! {
    async fn all_that_comes_at_random_times_is_heard(scene: Scene) {
        let worker = scene.worker().workflow(waits).workflow(half).start().await.unwrap();
        let mut runs = Vec::new();
        for seed in 0..60_u64 {
            let mut order = vec![0, 1, 2, 3];
            order.sort_by_key(|n| mixed(seed * 7 + u64::from(*n)));
            let run = waits(order, mixed(seed) % 4_000).start(&scene.client).await.unwrap();
            let (sender, client) = (run.clone(), scene.client.clone());
            runs.push((seed, run, tokio::spawn(async move {
                tokio::time::sleep(Duration::from_micros(mixed(seed + 1) % 9_000)).await;
                sender.signal("number", &50_u32).await.unwrap();
                tokio::time::sleep(Duration::from_micros(mixed(seed + 2) % 9_000)).await;
                client.gate(sender.id().as_str(), "go").approve("ann").await.unwrap();
            })));
        }
        for (seed, run, sent) in runs {
            sent.await.unwrap();
            assert_eq!(soon(run.result()).await.unwrap(), 50 + 1 + 100 + 1_000, "seed {seed}");
        }
        worker.shutdown().await.unwrap();
    }

    async fn many_that_wait_are_woken_together_and_none_is_lost(scene: Scene) {
        // `SAGEWAI_TEST_WAITING=10000` for more.
        let many = std::env::var("SAGEWAI_TEST_WAITING").ok().and_then(|n| n.parse().ok());
        let many: u32 = many.unwrap_or(500);
        let worker = scene.worker().workflow(one_message).start().await.unwrap();
        let runs = scene.client.start_many((0..many).map(one_message)).await.unwrap();
        until(async || {
            let last = runs.last().unwrap().status().await.unwrap().run.state;
            (last == RunState::Waiting).then_some(())
        }).await;
        let send = |part: Vec<(usize, sagewai::RunHandle<one_message>)>| async move {
            for (number, run) in part {
                run.signal("number", &number).await.unwrap();
            }
        };
        let numbered: Vec<_> = runs.iter().cloned().enumerate().collect();
        join_all(numbered.chunks(numbered.len().div_ceil(8)).map(|part| send(part.to_vec()))).await;
        for (number, run) in (0..).zip(&runs) {
            assert_eq!(run.result().await.unwrap(), number);
        }
        worker.shutdown().await.unwrap();
    }

    async fn without_any_hint_all_is_found_at_the_next_look(scene: Scene) {
        let deaf = AnyStore::new(WatchedStore::deaf(scene.store.clone()));
        let worker = WorkflowWorker::builder(&deaf)
            .poll_interval(Duration::from_millis(100))
            .workflow(waits)
            .workflow(half)
            .start()
            .await
            .unwrap();
        let client = Client::new(&deaf);
        let run = waits(vec![0, 1, 2, 3], 20_000).start(&client).await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        client.signal(run.id().as_str(), "number", &50_u32).await.unwrap();
        client.gate(run.id().as_str(), "go").approve("ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 1_151);
        let ended = waits(vec![0], 0).start(&client).await.unwrap();
        until(async || {
            let state = ended.status().await.unwrap().run.state;
            (state == RunState::Waiting).then_some(())
        }).await;
        ended.cancel("ann", "seen enough").await.unwrap();
        assert!(matches!(soon(ended.result()).await, Err(sagewai::Error::Cancelled { .. })));
        worker.shutdown().await.unwrap();
    }
}
