//! Sleeping, and values that are computed once.

use std::time::{Duration, SystemTime};

use sagewai::prelude::*;
use sagewai::{RunState, Waiting};

use crate::support::{soon, until};
use crate::{ledger, on_every_store};

#[step]
async fn mark(ctx: &StepContext, text: &str) -> Result<()> {
    ledger::note(ctx, text);
    Ok(())
}

#[workflow]
async fn naps(millis: u64) -> Result<Duration> {
    let before = now().await;
    sleep(Duration::from_millis(millis)).await?;
    sleep_until(before).await?;
    let after = now().await;
    mark("woke").await?;
    Ok(after.duration_since(before)?)
}

/// What comes after a sleep is recorded, and replayed twice.
#[workflow]
async fn naps_and_asks() -> Result<String> {
    sleep(Duration::from_millis(5)).await?;
    mark("woke").await?;
    let one = approval("one").await?.by;
    sleep(Duration::from_millis(5)).await?;
    let two = approval("two").await?.by;
    Ok(format!("{one} {two}"))
}

/// What is drawn is drawn once: the gate makes the body run again.
#[workflow]
async fn draws() -> Result<(String, SystemTime, u32)> {
    let id = uuid().await;
    let time = now().await;
    let drawn = record("draw", draw).await;
    approval("look").await?;
    Ok((id, time, drawn))
}

fn draw() -> u32 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos())
}

/// The clock that counts is the store's: when it jumps, what has become due happens.
#[tokio::test]
async fn jump_of_the_clock_ends_a_sleep_a_gate_and_a_limit() {
    let store = sagewai::store::InMemoryStore::new();
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .poll_interval(Duration::from_millis(20))
        .workflow(naps)
        .workflow(limited)
        .start()
        .await
        .unwrap();
    let hour = Duration::from_hours(1);
    let nap = naps(3_600_000).start(&client).await.unwrap();
    let gate = limited(hour).start(&client).await.unwrap();
    let late = limited(2 * hour)
        .deadline(hour)
        .start(&client)
        .await
        .unwrap();
    for run in [nap.id(), gate.id(), late.id()] {
        until(async || {
            let found = client.status(run).await.unwrap().unwrap().run;
            (found.state == RunState::Waiting).then_some(())
        })
        .await;
    }
    store.advance(hour);
    assert!(soon(nap.result()).await.unwrap() >= hour);
    assert!(soon(gate.outcome()).await.unwrap().is_err());
    let late = soon(late.outcome()).await.unwrap().unwrap_err();
    assert_eq!(late.fault(), Some(&Fault::DeadlinePassed { limit: hour }));
    worker.shutdown().await.unwrap();
}

#[workflow]
async fn limited(limit: Duration) -> Result<()> {
    approval("review").deadline(limit).await?;
    Ok(())
}

on_every_store! {
    async fn sleep_lasts_as_long_as_asked(scene: Scene) {
        let worker = scene.worker().workflow(naps).start().await.unwrap();
        let run = naps(120).start(&scene.client).await.unwrap();
        let slept = soon(run.result()).await.unwrap();
        assert!(slept >= Duration::from_millis(119), "{slept:?}");
        assert_eq!(ledger::of(run.id()), ["woke"]);
        worker.shutdown().await.unwrap();
    }

    async fn sleep_that_is_over_is_replayed_with_what_came_after_it(scene: Scene) {
        let worker = scene.worker().workflow(naps_and_asks).start().await.unwrap();
        let run = naps_and_asks().start(&scene.client).await.unwrap();
        for gate in ["one", "two"] {
            until(async || {
                let waiting = run.status().await.unwrap().run.waiting;
                (waiting == Some(Waiting::Gate { gate: gate.into() })).then_some(())
            }).await;
            scene.client.gate(run.id().as_str(), gate).approve(gate).await.unwrap();
        }
        assert_eq!(soon(run.result()).await.unwrap(), "one two");
        assert_eq!(ledger::of(run.id()), ["woke"]);
        worker.shutdown().await.unwrap();
    }

    async fn long_sleep_is_a_row_and_nothing_in_memory(scene: Scene) {
        let worker = scene.worker().workflow(naps).start().await.unwrap();
        let run = naps(3_600_000).start(&scene.client).await.unwrap();
        let status = until(async || {
            let status = run.status().await.unwrap();
            (status.run.state == RunState::Waiting).then_some(status)
        }).await;
        assert!(matches!(status.run.waiting, Some(Waiting::Timer { .. })));
        assert!(status.run.due_at > Some(status.run.created_at));
        worker.shutdown().await.unwrap();
    }

    async fn recorded_values_are_the_same_after_a_replay(scene: Scene) {
        let worker = scene.worker().workflow(draws).start().await.unwrap();
        let run = draws().start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        until(async || {
            let status = run.status().await.unwrap();
            (status.run.state == RunState::Waiting).then_some(())
        }).await;
        let journal = scene.client.journal(run.id()).await.unwrap();
        let stored = |position: &str| match &journal.at(position).unwrap().written.outcome {
            sagewai::Outcome::Ok(json) => json.clone(),
            other => panic!("{other:?}"),
        };
        scene.client.gate(id, "look").approve("ann").await.unwrap();
        let (drawn_id, time, drawn) = soon(run.result()).await.unwrap();
        assert_eq!(stored("uuid").decode::<String>().unwrap(), drawn_id);
        assert_eq!(stored("now").decode::<SystemTime>().unwrap(), time);
        assert_eq!(stored("draw").decode::<u32>().unwrap(), drawn);
        worker.shutdown().await.unwrap();
    }
}
