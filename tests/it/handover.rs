//! Steps that ask for another worker than the one their run is on.

use sagewai::prelude::*;
use sagewai::{EventKind, RunState, Settled};
use serde_json::json;

use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

#[step]
async fn prepare(ctx: &StepContext, n: u32) -> Result<u32> {
    ledger::note(ctx, "prepare");
    Ok(n + 1)
}

#[step(pool = "gpu", labels(gpu = true))]
async fn render(ctx: &StepContext, n: u32) -> Result<u32> {
    ledger::note(ctx, "render");
    Ok(n * 10)
}

#[step]
async fn publish(ctx: &StepContext, n: u32) -> Result<u32> {
    ledger::note(ctx, "publish");
    Ok(n + 5)
}

#[workflow]
async fn film(n: u32) -> Result<u32> {
    let n = prepare(n).await?;
    let n = render(n).await?;
    approval("review").await?;
    publish(n).await
}

#[workflow]
async fn beside(n: u32) -> Result<u32> {
    let (left, right) = try_join!(async { render(n).await }, async {
        let n = prepare(n).await?;
        publish(n).await
    })
    .await?;
    publish(left + right).await
}

#[workflow]
async fn asks_at_the_call(n: u32) -> Result<u32> {
    prepare(n).pool("gpu").label("zone", "eu").await
}

/// Names of the workers that took the run up again, and of those that handed it over.
async fn moves(scene: &Scene, run: &sagewai::RunId) -> Vec<String> {
    let journal = scene.client.journal(run).await.unwrap();
    let told = journal.events.iter().filter_map(|event| match &event.kind {
        EventKind::Claimed { worker, .. } => Some(format!("{worker} takes")),
        EventKind::HandedOver {
            worker, position, ..
        } => Some(format!("{worker} hands over at {position}")),
        EventKind::Parked { .. } => Some("sleeps".to_owned()),
        _ => None,
    });
    told.collect()
}

on_every_store! {
    async fn run_is_handed_over_for_a_step_and_goes_home_after_a_sleep(scene: Scene) {
        let cpu = scene.worker().name("cpu").workflow(film).start().await.unwrap();
        let run = film(1).start(&scene.client).await.unwrap();
        // Nobody can take it yet, and that is told.
        let unserved = until(async || scene.client.unserved().await.unwrap().pop()).await;
        assert_eq!((unserved.queue.pool.as_str(), unserved.runs), ("gpu", 1));
        assert_eq!(unserved.lack.to_string(), "no live worker is in pool `gpu`");
        let status = run.status().await.unwrap();
        assert_eq!(status.run.state, RunState::Pending);
        assert_eq!(status.lack, Some(unserved.lack));
        assert_eq!(ledger::of(run.id()), ["prepare"]);

        let gpu = scene.worker().name("gpu").pool("gpu").labels(json!({"gpu": true, "zone": "eu"}))
            .workflow(film).start().await.unwrap();
        until(async || (run.status().await.unwrap().run.state == RunState::Waiting).then_some(())).await;
        scene.client.gate(run.id().as_str(), "review").approve("ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 25);
        assert_eq!(ledger::of(run.id()), ["prepare", "render", "publish"]);
        assert_eq!(
            moves(&scene, run.id()).await,
            ["cpu hands over at render", "gpu takes", "sleeps", "cpu takes"]
        );
        assert_eq!(scene.client.unserved().await.unwrap(), []);
        gpu.shutdown().await.unwrap();
        cpu.shutdown().await.unwrap();
    }

    async fn what_can_run_here_runs_before_the_run_is_handed_over(scene: Scene) {
        let cpu = scene.worker().name("cpu").workflow(beside).start().await.unwrap();
        let run = beside(1).start(&scene.client).await.unwrap();
        until(async || (!scene.client.unserved().await.unwrap().is_empty()).then_some(())).await;
        assert_eq!(ledger::of(run.id()), ["prepare", "publish"]);
        let gpu = scene.worker().name("gpu").pool("gpu").label("gpu", true).workflow(beside).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 22);
        assert_eq!(ledger::of(run.id()), ["prepare", "publish", "render", "publish"]);
        assert_eq!(moves(&scene, run.id()).await, ["cpu hands over at join.0/block/render", "gpu takes"]);
        gpu.shutdown().await.unwrap();
        cpu.shutdown().await.unwrap();
    }

    async fn labels_of_a_run_and_of_its_step_must_both_be_there(scene: Scene) {
        let cpu = scene.worker().name("cpu").label("tenant", 7).workflow(asks_at_the_call).start().await.unwrap();
        let run = asks_at_the_call(1).label("tenant", 7).start(&scene.client).await.unwrap();
        let half = scene.worker().name("half").pool("gpu").label("zone", "eu").workflow(asks_at_the_call)
            .start().await.unwrap();
        let unserved = until(async || scene.client.unserved().await.unwrap().pop()).await;
        assert_eq!(
            unserved.lack.to_string(),
            "no live worker has labels {tenant=7 zone=eu}; the nearest, `half`, lacks tenant=7"
        );
        let whole = scene.worker().name("whole").pool("gpu").labels(json!({"zone": "eu", "tenant": 7}))
            .workflow(asks_at_the_call).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 2);
        for worker in [cpu, half, whole] {
            worker.shutdown().await.unwrap();
        }
    }

    async fn run_that_is_driven_in_place_is_handed_to_nobody(scene: Scene) {
        let settled = beside(1).run(&scene.client).await.unwrap();
        assert_eq!(settled, Settled::Completed(22));
    }
}

#[test]
fn graph_shows_what_steps_ask_for() {
    let text = sagewai::graph(film).to_text();
    assert!(text.contains("pool gpu, on gpu=true"), "{text}");
}
