//! Steps in order, typed values between them, what is stored of them.

use sagewai::prelude::*;
use sagewai::{RunFilter, RunState, StepState};
use serde::{Deserialize, Serialize};

use crate::support::soon;
use crate::{ledger, on_every_store};

#[step]
async fn greet(name: &str) -> Result<String> {
    Ok(format!("hello {name}"))
}

#[workflow]
async fn greeting(name: String) -> Result<String> {
    greet(&name).await
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Notes {
    topic: String,
    score: f64,
    sources: Vec<Option<String>>,
}

#[step]
async fn research(ctx: &StepContext, topic: &str) -> Result<Notes> {
    ledger::note(ctx, "research");
    Ok(Notes {
        topic: topic.to_owned(),
        score: 0.1 + 0.2,
        sources: vec![Some("a".into()), None],
    })
}

#[step]
async fn check(ctx: StepContext, notes: Notes, findings: &[u64]) -> Result<Notes> {
    ledger::note(&ctx, "check");
    assert_eq!(findings, [1, u64::MAX]);
    Ok(notes)
}

#[step]
async fn write(ctx: &StepContext, notes: &Notes, times: u32) -> Result<String> {
    ledger::note(ctx, "write");
    Ok(format!("{} {} x{times}", notes.topic, notes.score))
}

/// Control flow as in any function.
#[workflow(name = "article")]
async fn article(topic: String, drafts: u32) -> Result<Vec<String>> {
    let notes = research(&topic).await?;
    let notes = if drafts > 1 {
        check(notes, &[1, u64::MAX]).await?
    } else {
        notes
    };
    let mut written = Vec::new();
    for times in 0..drafts {
        let Ok(text) = write(&notes, times).await else {
            break;
        };
        match times {
            0 => written.push(text),
            _ => written.insert(0, text),
        }
    }
    Ok(written)
}

on_every_store! {
    async fn one_step_gives_its_result_and_completes_the_run(scene: Scene) {
        let worker = scene.worker().workflow(greeting).start().await.unwrap();
        let run = greeting("World".into()).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "hello World");
        let status = run.status().await.unwrap();
        assert_eq!(status.run.state, RunState::Completed);
        assert!(status.run.finished_at >= status.run.started_at);
        worker.shutdown().await.unwrap();
    }

    async fn steps_run_in_order_with_typed_values_between_them(scene: Scene) {
        let worker = scene.worker().workflow(article).start().await.unwrap();
        let run = article("tides".into(), 3).start(&scene.client).await.unwrap();
        let written = soon(run.result()).await.unwrap();
        let score = 0.1 + 0.2;
        assert_eq!(
            written,
            [format!("tides {score} x2"), format!("tides {score} x1"), format!("tides {score} x0")]
        );
        assert_eq!(ledger::of(run.id()), ["research", "check", "write", "write", "write"]);

        let status = run.status().await.unwrap();
        let positions: Vec<&str> = status.steps.iter().map(|s| s.position.as_str()).collect();
        assert_eq!(positions, ["research", "check", "write", "write#2", "write#3"]);
        assert!(status.steps.iter().all(|s| s.state == StepState::Completed && s.attempt == 1));
        worker.shutdown().await.unwrap();
    }

    async fn stored_payloads_are_json_keyed_by_parameter(scene: Scene) {
        let worker = scene.worker().workflow(article).start().await.unwrap();
        let run = article("tides".into(), 1).start(&scene.client).await.unwrap();
        soon(run.result()).await.unwrap();
        let journal = scene.client.journal(run.id()).await.unwrap();
        let stored = |position: &str| match &journal.at(position).unwrap().written.outcome {
            sagewai::Outcome::Ok(json) => json.as_str().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(stored("$input"), r#"{"topic":"tides","drafts":1}"#);
        assert_eq!(stored("research"), r#"{"topic":"tides","score":0.30000000000000004,"sources":["a",null]}"#);
        assert_eq!(stored("$output"), r#"["tides 0.30000000000000004 x0"]"#);
        worker.shutdown().await.unwrap();
    }

    async fn runs_are_listed_newest_first_and_filtered(scene: Scene) {
        let worker = scene.worker().workflow(greeting).start().await.unwrap();
        let done = greeting("a".into()).run_id("done").start(&scene.client).await.unwrap();
        soon(done.result()).await.unwrap();
        // Nobody serves this one.
        article("b".into(), 1).run_id("queued").start(&scene.client).await.unwrap();

        let ids = async |filter: RunFilter| -> Vec<String> {
            let runs = scene.client.runs(&filter).await.unwrap();
            runs.iter().map(|run| run.id.to_string()).collect()
        };
        let all = RunFilter::new();
        assert_eq!(ids(all.clone()).await, ["queued", "done"]);
        assert_eq!(ids(all.clone().state(RunState::Completed)).await, ["done"]);
        assert_eq!(ids(all.clone().workflow("article")).await, ["queued"]);
        assert_eq!(ids(all.clone().limit(1)).await, ["queued"]);
        assert_eq!(ids(all.before("queued".try_into().unwrap())).await, ["done"]);
        assert!(scene.client.status("nobody").await.unwrap().is_none());
        worker.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn step_outside_a_workflow_is_the_plain_function() {
    assert_eq!(greet("you").await.unwrap(), "hello you");
    let notes = research("tides").await.unwrap();
    assert_eq!(
        write(&notes, 1).retries(3).await.unwrap(),
        "tides 0.30000000000000004 x1"
    );
}
