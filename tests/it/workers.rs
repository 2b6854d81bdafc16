//! Workers: how many at once, how soon, how they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sagewai::RunState;
use sagewai::prelude::*;

use crate::support::{soon, until};
use crate::{ledger, on_every_store};

static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[step]
async fn counted() -> Result<()> {
    let now = AT_ONCE.fetch_add(1, Ordering::SeqCst) + 1;
    MOST.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(10)).await;
    AT_ONCE.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}

#[workflow]
async fn limited() -> Result<()> {
    counted().await
}

#[step]
async fn quick(ctx: &StepContext, n: u32) -> Result<u32> {
    ledger::note(ctx, format!("{n}"));
    Ok(n)
}

#[workflow]
async fn short(n: u32) -> Result<u32> {
    let n = quick(n).await?;
    let n = quick(n + 1).await?;
    quick(n + 1).await
}

#[step]
async fn wait_for(ctx: &StepContext, path: &str) -> Result<()> {
    ledger::note(ctx, "begun");
    while !std::path::Path::new(path).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ledger::note(ctx, "ended");
    Ok(())
}

#[workflow]
async fn long(path: String) -> Result<()> {
    wait_for(&path).await?;
    quick(1).await?;
    Ok(())
}

/// Two memory stores never share a process-wide counter: one test, one store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_concurrency_run_at_once() {
    let scene = crate::support::Scene::memory().await;
    let worker = scene
        .worker()
        .concurrency(2)
        .workflow(limited)
        .start()
        .await
        .unwrap();
    let mut runs = Vec::new();
    for _ in 0..6 {
        runs.push(limited().start(&scene.client).await.unwrap());
    }
    for run in runs {
        soon(run.result()).await.unwrap();
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 2);
    worker.shutdown().await.unwrap();
}

on_every_store! {
    async fn many_runs_on_three_workers_each_execute_once(scene: Scene) {
        let mut workers = Vec::new();
        for name in ["w1", "w2", "w3"] {
            workers.push(scene.worker().name(name).concurrency(4).workflow(short).start().await.unwrap());
        }
        let starts = (0..60).map(|n| short(n).start(&scene.client));
        let runs = futures_util::future::join_all(starts).await;
        for (n, run) in (0..).zip(runs) {
            let run = run.unwrap();
            assert_eq!(soon(run.result()).await.unwrap(), n + 2);
            let expected = [n, n + 1, n + 2].map(|n| n.to_string());
            assert_eq!(ledger::of(run.id()), expected);
        }
        for worker in workers {
            worker.shutdown().await.unwrap();
        }
    }

    async fn few_slots_drain_many_runs_without_idling_between_claims(scene: Scene) {
        // A poll that never comes: only hints and the worker's own appetite drive it.
        let worker = scene.worker().poll_interval(Duration::from_hours(1)).concurrency(4).workflow(short).start().await.unwrap();
        let starts = (0..200).map(|n| short(n).start(&scene.client));
        for run in futures_util::future::join_all(starts).await {
            soon(run.unwrap().result()).await.unwrap();
        }
        worker.shutdown().await.unwrap();
    }

    async fn shutdown_waits_for_the_step_and_hands_the_run_back(scene: Scene) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("go");
        let worker = scene.worker().workflow(long).start().await.unwrap();
        let run = long(path.display().to_string()).start(&scene.client).await.unwrap();
        until(async || (ledger::of(run.id()).len() == 1).then_some(())).await;
        let health = worker.health();
        let ending = tokio::spawn(worker.shutdown());
        until(async || health.look().draining.then_some(())).await;
        std::fs::write(&path, "").unwrap();
        soon(ending).await.unwrap().unwrap();

        let status = run.status().await.unwrap();
        assert_eq!(status.run.state, RunState::Pending, "given back, with its first step done");
        assert_eq!(status.steps.len(), 1);
        assert_eq!(ledger::of(run.id()), ["begun", "ended"]);

        let next = scene.worker().workflow(long).start().await.unwrap();
        soon(run.result()).await.unwrap();
        assert_eq!(ledger::of(run.id()), ["begun", "ended", "1"]);
        next.shutdown().await.unwrap();
    }

    async fn shutdown_past_its_limit_gives_the_run_back_unfinished(scene: Scene) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("go");
        let worker = scene.worker().drain_timeout(Duration::from_millis(20)).workflow(long).start().await.unwrap();
        let run = long(path.display().to_string()).start(&scene.client).await.unwrap();
        until(async || (ledger::of(run.id()).len() == 1).then_some(())).await;
        soon(worker.shutdown()).await.unwrap();
        std::fs::write(&path, "").unwrap();

        // Claimable at once, not when a lease has passed.
        let next = scene.worker().workflow(long).start().await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), run.result()).await.unwrap().unwrap();
        assert_eq!(ledger::of(run.id()), ["begun", "begun", "ended", "1"]);
        next.shutdown().await.unwrap();
    }

    async fn idle_worker_ends_at_once_and_a_dropped_handle_ends_it_too(scene: Scene) {
        let worker = scene.worker().workflow(short).start().await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), worker.shutdown()).await.unwrap().unwrap();
        let dropped = scene.worker().workflow(short).start().await.unwrap();
        drop(dropped);
        until(async || {
            let alive = scene.store.workers(Duration::ZERO).await.unwrap();
            alive.is_empty().then_some(())
        }).await;
    }

    async fn heartbeats_come_at_their_interval(scene: Scene) {
        let worker = scene.worker().heartbeat_interval(Duration::from_millis(30)).workflow(short).start().await.unwrap();
        let seen = Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
        until(async || {
            let workers = scene.store.workers(Duration::ZERO).await.unwrap();
            let mut seen = seen.lock().unwrap();
            seen.insert(workers[0].seen_at);
            (seen.len() >= 4).then_some(())
        }).await;
        worker.shutdown().await.unwrap();
    }
}
