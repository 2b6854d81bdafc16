//! Workers as people see and steer them: drained, paused, listed, and each by one name.

use std::time::{Duration, Instant};

use sagewai::prelude::*;
use sagewai::store::{AnyStore, InMemoryStore};
use sagewai::{Error, WorkerState};

use crate::support::field::Field;
use crate::support::{soon, until};
use crate::{ledger, on_every_shared_store, on_every_store};

#[step]
async fn work(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "work");
    Ok(())
}

#[workflow]
async fn job() -> Result<()> {
    work().await
}

#[workflow(name = "victim")]
async fn victim(value: u32) -> Result<u32> {
    Ok(value)
}

async fn state(client: &Client, worker: &str) -> Option<WorkerState> {
    let workers = client.workers().list().await.unwrap();
    workers.iter().find(|w| w.name == worker).map(|w| w.state)
}

on_every_store! {
    async fn paused_worker_takes_nothing_until_it_is_resumed(scene: Scene) {
        // A beat that never comes: word arrives by a hint.
        let slow = scene.worker().name("slow").poll_interval(Duration::from_hours(1));
        let worker = slow.workflow(job).start().await.unwrap();
        let workers = scene.client.workers();
        workers.pause("slow").await.unwrap();
        assert_eq!(state(&scene.client, "slow").await, Some(WorkerState::Paused));
        // It has heard by the time that it would have taken this.
        until(async || {
            let run = job().start(&scene.client).await.unwrap();
            tokio::time::timeout(Duration::from_millis(200), run.result()).await.is_err().then_some(())
        }).await;
        let lack = until(async || scene.client.unserved().await.unwrap().pop()).await.lack;
        assert_eq!(lack.to_string(), "the workers that could take it do not take runs: `slow` is paused");
        let run = job().start(&scene.client).await.unwrap();
        workers.resume("slow").await.unwrap();
        soon(run.result()).await.unwrap();
        worker.shutdown().await.unwrap();
        let gone = workers.pause("slow").await.unwrap_err();
        assert!(matches!(gone, Error::NoWorker { .. }), "{gone}");
    }

    async fn drained_worker_ends_and_is_listed_as_gone(scene: Scene) {
        let worker = scene.worker().name("old").poll_interval(Duration::from_hours(1)).workflow(job)
            .start().await.unwrap();
        let key = scene.client.workers().list().await.unwrap()[0].key;
        scene.client.workers().drain(&key.to_string()).await.unwrap();
        soon(worker.wait()).await.unwrap();
        assert_eq!(state(&scene.client, "old").await, Some(WorkerState::Gone));
    }

    async fn name_of_a_living_worker_is_refused(scene: Scene) {
        let first = scene.worker().name("gpu-1").workflow(job).start().await.unwrap();
        let refused = soon(scene.worker().name("gpu-1").workflow(job).start()).await.unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("`gpu-1` is held by a living worker"), "{refused}");
        assert!(refused.contains(&format!("process {} on host", std::process::id())), "{refused}");
        first.shutdown().await.unwrap();
        let next = soon(scene.worker().name("gpu-1").workflow(job).start()).await.unwrap();
        next.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn name_is_free_when_the_lease_of_its_former_life_has_passed() {
    let inner = InMemoryStore::new();
    let store = AnyStore::from(&inner);
    // A life that left no proof: of another machine.
    let former = sagewai::model::NewWorker {
        key: sagewai::WorkerKey::generate(),
        name: "gpu-1".to_owned(),
        exclusive: true,
        pool: "default".to_owned(),
        labels: sagewai::Labels::new(),
        slots: 1,
        lease: Duration::from_millis(400),
        host: "elsewhere".to_owned(),
        program: sagewai::Program::default(),
    };
    store.register(&former).await.unwrap();
    let began = Instant::now();
    let builder = || WorkflowWorker::builder(&store).name("gpu-1").workflow(job);
    let worker = builder().start().await.unwrap();
    // It would not be there sooner.
    assert!(began.elapsed() >= Duration::from_millis(350));
    worker.shutdown().await.unwrap();

    // One that goes on is not waited for.
    let living = sagewai::model::NewWorker {
        key: sagewai::WorkerKey::generate(),
        ..former
    };
    store.register(&living).await.unwrap();
    let beats = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            store.heartbeat(living.key, &[]).await.unwrap();
        }
    };
    let refused = tokio::select! {
        started = soon(builder().start()) => started.unwrap_err(),
        never = beats => never,
    };
    assert!(
        refused.to_string().contains("held by a living worker"),
        "{refused}"
    );
}

on_every_shared_store! {
    async fn worker_of_another_process_is_drained_and_its_successor_has_its_name(scene: Scene) {
        let field = Field::new(&scene);
        let mut first = field.victim(&["--name", "gpu-1"]);
        until(async || (state(&scene.client, "gpu-1").await == Some(WorkerState::Live)).then_some(())).await;
        scene.client.workers().drain("gpu-1").await.unwrap();
        let ended = until(async || first.0.try_wait().unwrap()).await;
        assert!(ended.success(), "{ended}");

        // After a crash, the next one need not wait for the lease.
        let second = field.victim(&["--name", "gpu-1"]);
        until(async || (state(&scene.client, "gpu-1").await == Some(WorkerState::Live)).then_some(())).await;
        second.kill();
        let began = Instant::now();
        let third = field.victim(&["--name", "gpu-1"]);
        let run = victim(1).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 4);
        assert!(began.elapsed() < Duration::from_secs(15));
        third.kill();
    }
}
