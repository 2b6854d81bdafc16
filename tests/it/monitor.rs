//! What a monitor shows: timelines, and why a run does not go on.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{RunFilter, RunState, TimelineEntry, WhyCode, WorkflowMonitor};

use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

#[step]
async fn research(topic: &str) -> Result<String> {
    Ok(topic.to_owned())
}

#[step(retries = 1, retry_delay = 0.01)]
async fn draft(ctx: &StepContext, notes: &str) -> Result<String> {
    if ctx.attempt() == 1 {
        return Err("no ink".into());
    }
    Ok(notes.to_owned())
}

#[step]
async fn publish(ctx: &StepContext, draft: &str) -> Result<String> {
    ledger::note(ctx, "publish");
    if ledger::of(ctx.run_id().as_str()).len() == 1 {
        return Err("press is down".into());
    }
    Ok(draft.to_owned())
}

#[workflow]
async fn article(topic: String) -> Result<String> {
    let notes = research(&topic).await?;
    let text = draft(&notes).await?;
    approval("review").prompt("Publish it?").await?;
    publish(&text).await
}

#[workflow]
async fn wait_for(what: String) -> Result<()> {
    match what.as_str() {
        "gate" => drop(approval("review").await?),
        "signal" => drop(signal::<u32>("payment").await?),
        "timer" => sleep(Duration::from_hours(1)).await?,
        "retry" => flaky().await?,
        "child" => child(wait_for("signal".to_owned()).run_id("why-the-child")).await?,
        _ => {}
    }
    Ok(())
}

#[step(retries = 1, retry_delay = "1h")]
async fn flaky() -> Result<()> {
    Err("the line is busy".into())
}

fn words(timeline: &[TimelineEntry]) -> Vec<String> {
    let word = |entry: &TimelineEntry| {
        let json = serde_json::to_value(entry).unwrap();
        let position = json.get("position").and_then(|p| p.as_str());
        let word = entry.what.word();
        assert_eq!(json["kind"], word);
        position.map_or_else(|| word.to_owned(), |p| format!("{word} {p}"))
    };
    timeline.iter().map(word).collect()
}

async fn parked(scene: &Scene, run: &str) {
    until(async || {
        let run = scene.client.status(run).await.unwrap()?.run;
        (run.state == RunState::Waiting).then_some(())
    })
    .await;
}

on_every_store! {
    async fn timeline_tells_everything_in_order(scene: Scene) {
        let id = &*scene.id("timeline");
        let monitor = WorkflowMonitor::new(&scene.store);
        assert!(monitor.get_execution_timeline(id).await.unwrap().is_none());
        let worker = scene.worker().name("w1").workflow(article).start().await.unwrap();
        let run = article("tides".into()).run_id(id).start(&scene.client).await.unwrap();
        parked(&scene, id).await;
        scene.client.gate(id, "review").approve("ann").await.unwrap();
        soon(run.result()).await.unwrap_err();
        monitor.retry_execution(id, "bob").await.unwrap();
        soon(run.result()).await.unwrap();
        worker.shutdown().await.unwrap();

        let timeline = monitor.get_execution_timeline(id).await.unwrap().unwrap();
        let expected = [
            "submitted",
            "begun",
            "step_started research",
            "completed research",
            "attempt_failed draft",
            "step_started draft",
            "completed draft",
            "parked",
            "decided",
            "claimed",
            "completed approval:review",
            "attempt_failed publish",
            "retried",
            "claimed",
            "step_started publish",
            "completed publish",
            "finished",
        ];
        assert_eq!(words(&timeline), expected);
        assert!(timeline.is_sorted_by_key(|entry| entry.at));
    }

    async fn running_step_is_in_the_timeline_before_it_ends(scene: Scene) {
        let id = &*scene.id("begun");
        let monitor = WorkflowMonitor::new(&scene.store);
        let worker = scene.worker()
            .name("w1")
            .heartbeat_interval(Duration::from_millis(50))
            .workflow(slow)
            .start().await.unwrap();
        slow().run_id(id).start(&scene.client).await.unwrap();
        let timeline = until(async || {
            let timeline = monitor.get_execution_timeline(id).await.unwrap()?;
            (timeline.len() == 3).then_some(timeline)
        }).await;
        assert_eq!(words(&timeline), ["submitted", "begun", "step_started endless"]);
        let why = monitor.why(id).await.unwrap().unwrap();
        assert_eq!((why.code, &*why.reason), (WhyCode::Running, "worker `w1` drives it"));
        scene.client.cancel(id, "ann", "enough").await.unwrap();
        worker.shutdown().await.unwrap();
        let timeline = monitor.get_execution_timeline(id).await.unwrap().unwrap();
        assert_eq!(words(&timeline), ["submitted", "begun", "cancelled", "finished"]);
        assert!(monitor.why(id).await.unwrap().is_none());
    }

    async fn run_that_is_not_over_says_why(scene: Scene) {
        let c = &scene.client;
        let monitor = WorkflowMonitor::new(&scene.store);
        let why = async |run: &str| monitor.why(run).await.unwrap().unwrap();
        for what in ["gate", "signal", "timer", "retry", "child", "paused"] {
            let call = wait_for(what.to_owned()).run_id(format!("why-{what}"));
            call.start(c).await.unwrap();
        }
        wait_for("delayed".into()).run_id("why-delayed").delay(Duration::from_hours(1)).start(c).await.unwrap();
        wait_for("queued".into()).label("zone", "mars").run_id("why-queued").start(c).await.unwrap();
        c.pause("why-paused", "ann").await.unwrap();

        let paused = why("why-paused").await;
        assert_eq!((paused.code, &*paused.to_string()), (WhyCode::Paused, "ann paused it; resume it"));
        assert_eq!(why("why-delayed").await.code, WhyCode::Delayed);
        let queued = why("why-queued").await;
        assert_eq!(queued.code, WhyCode::Unserved);
        assert!(queued.remedy.contains(r#"{"zone":"mars"}"#), "{queued}");

        let worker = scene.worker().workflow(wait_for).start().await.unwrap();
        for what in ["gate", "signal", "timer", "retry", "child"] {
            parked(&scene, &format!("why-{what}")).await;
        }
        let cases = [
            ("gate", WhyCode::Gate, "it waits for a decision at gate `review`; approve or reject it; anybody may"),
            ("signal", WhyCode::Signal, "it waits for signal `payment`; send signal `payment` to it"),
            ("timer", WhyCode::Timer, "`sleep` sleeps until "),
            ("retry", WhyCode::Retry, "attempt 2 of `flaky` begins at "),
            ("child", WhyCode::Child, "it waits for run `why-the-child` of workflow `wait_for`, which is "),
        ];
        for (what, code, text) in cases {
            let why = why(&format!("why-{what}")).await;
            assert_eq!(why.code, code);
            assert!(why.to_string().starts_with(text), "{why}");
            let run = c.status(format!("why-{what}")).await.unwrap().unwrap().run;
            assert!(why.since >= run.started_at.unwrap(), "{why:?}");
        }
        worker.shutdown().await.unwrap();
    }

    async fn counts_and_lists_agree(scene: Scene) {
        let monitor = WorkflowMonitor::new(&scene.store);
        for n in 0..3 {
            wait_for("nothing".into()).run_id(format!("counted-{n}")).start(&scene.client).await.unwrap();
        }
        scene.client.cancel("counted-1", "ann", "enough").await.unwrap();
        let counts = monitor.counts().await.unwrap();
        assert_eq!(counts.values().sum::<u64>(), 3);
        for (state, count) in counts {
            let listed = monitor.list_executions(&RunFilter::new().state(state)).await.unwrap();
            assert_eq!(listed.len() as u64, count, "{state}");
        }
    }
}

#[step]
async fn endless() -> Result<()> {
    std::future::pending().await
}

#[workflow]
async fn slow() -> Result<()> {
    endless().await
}
