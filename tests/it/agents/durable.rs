//! An agent in a workflow: each call is a checkpoint, failures drive the stored retries, nothing committed is asked again.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use sagewai::agent::{
    AgentEventKind, ChatReply, Cost, ModelError, ModelErrorKind, Price, Prices, ScriptedModel,
    UniversalAgent, Usage, schemars,
};
use sagewai::prelude::*;
use sagewai::{EventKind, InferenceParams, RunState, Waiting, WorkerCredentials};

use super::provider::FakeProvider;
use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

/// Notes that the model was asked, by the run that asks.
pub fn noted(model: &str) {
    if let Some(ctx) = StepContext::current() {
        ledger::note(&ctx, format!("ask {model}"));
    }
}

static ECHO: LazyLock<UniversalAgent> = LazyLock::new(|| {
    let script = ScriptedModel::new(|request| {
        noted("echo");
        Ok(ChatReply::text(format!("{:?}", request.messages.len())))
    });
    UniversalAgent::builder("echo")
        .scripted(script)
        .build()
        .unwrap()
});

#[workflow]
async fn asks_twice(question: String) -> Result<String> {
    let first = ECHO.chat(&question).await?;
    approval("go").await?;
    let second = ECHO.chat(format!("{question} {first}")).await?;
    Ok(format!("{first} {second}"))
}

/// An agent out of a function, and one that waits in a branch.
fn echo() -> &'static UniversalAgent {
    &ECHO
}

#[step]
async fn in_a_step(question: &str) -> Result<String> {
    Ok(echo().chat(question).await?.into_text())
}

#[workflow]
async fn asks_at_once(question: String) -> Result<String> {
    let (one, two, three) = try_join!(echo().chat(&question), ECHO.chat("other"), async {
        in_a_step(&question).await
    })
    .await?;
    Ok(format!("{one} {two} {three}"))
}

async fn positions(scene: &Scene, run: &sagewai::RunId) -> Vec<String> {
    let journal = scene.client.journal(run).await.unwrap();
    let positions = journal.checkpoints.iter();
    positions.map(|c| c.written.position.to_string()).collect()
}

static FRAIL: LazyLock<UniversalAgent> = LazyLock::new(|| {
    let script = ScriptedModel::new(|_| {
        noted("frail");
        let ctx = StepContext::current().unwrap();
        let kind = if ctx.run_id().as_str().starts_with("refused") {
            ModelErrorKind::Auth
        } else {
            ModelErrorKind::RateLimited
        };
        match ctx.attempt() {
            1 => {
                Err(ModelError::new(kind, "frail", "").with_retry_after(Duration::from_millis(700)))
            }
            _ => Ok(ChatReply::text("here")),
        }
    });
    UniversalAgent::builder("frail")
        .scripted(script)
        .retries(3)
        .retry_delay(Duration::from_millis(1))
        .build()
        .unwrap()
});

#[workflow]
async fn asks_the_frail() -> Result<String> {
    Ok(FRAIL.chat("?").await?.into_text())
}

#[derive(Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(crate = "sagewai::agent::schemars")]
struct Verdict {
    fits: bool,
}

static JUDGE: LazyLock<UniversalAgent> = LazyLock::new(|| {
    let script = ScriptedModel::new(|request| {
        noted("judge");
        assert!(request.output.as_ref().unwrap().schema["properties"]["fits"].is_object());
        let ctx = StepContext::current().unwrap();
        let is_stubborn =
            ctx.run_id().as_str().starts_with("stubborn") && ledger::of(ctx.run_id()).len() < 3;
        Ok(ChatReply::text(match request.messages.len() {
            _ if is_stubborn => "hush-hush",
            1 => "Yes, it does.",
            _ => "```json\n{\"fits\": true}\n```",
        }))
    });
    UniversalAgent::builder("judge")
        .scripted(script)
        .build()
        .unwrap()
});

#[workflow]
async fn judges() -> Result<bool> {
    let verdict = JUDGE.chat("Does it fit?").json::<Verdict>().await?;
    Ok(verdict.fits)
}

/// The agent of this workflow is a provider's, in the words of whatever the worker has in its place.
static REMOTE: LazyLock<UniversalAgent> = LazyLock::new(|| {
    UniversalAgent::builder("remote")
        .model("gpt-4o")
        .fallback("claude-none")
        .retries(0)
        .build()
        .unwrap()
});

#[workflow]
async fn asks_remote() -> Result<String> {
    Ok(REMOTE.chat("hush-hush").await?.into_text())
}

on_every_store! {
    async fn agent_leaves_a_checkpoint_for_each_call_and_a_replay_asks_nothing_again(scene: Scene) {
        let id = scene.id("asks-twice");
        let run = asks_twice("a tide?".into()).run_id(&id).start(&scene.client).await.unwrap();
        let first = scene.worker().workflow(asks_twice).start().await.unwrap();
        until(async || {
            let status = run.status().await.unwrap();
            matches!(status.run.waiting, Some(Waiting::Gate { .. })).then_some(())
        }).await;
        first.shutdown().await.unwrap();
        scene.client.gate(&id, "go").approve("ann").await.unwrap();
        let second = scene.worker().workflow(asks_twice).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "1 1");
        second.shutdown().await.unwrap();
        assert_eq!(
            positions(&scene, run.id()).await,
            ["$input", "agent:echo/model", "approval:go", "agent:echo#2/model", "$output"]
        );
        assert_eq!(ledger::of(&id), ["ask echo", "ask echo"]);
    }

    async fn agents_are_branches_and_are_plain_calls_in_a_step(scene: Scene) {
        let id = scene.id("asks-at-once");
        let worker = scene.worker().workflow(asks_at_once).start().await.unwrap();
        let run = asks_at_once("a".into()).run_id(&id).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "1 1 1");
        let mut found = positions(&scene, run.id()).await;
        found.sort();
        assert_eq!(found, [
            "$input", "$output", "join.0/agent:echo/model", "join.1/agent:echo/model", "join.2/block/in_a_step",
        ]);
        worker.shutdown().await.unwrap();
    }

    async fn next_attempt_is_not_sooner_than_the_provider_asks(scene: Scene) {
        let id = scene.id("frail");
        let worker = scene.worker().workflow(asks_the_frail).start().await.unwrap();
        let run = asks_the_frail().run_id(&id).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "here");
        let journal = scene.client.journal(run.id()).await.unwrap();
        let failed = journal.events.iter().find_map(|event| match &event.kind {
            EventKind::AttemptFailed { next_at, .. } => Some((event.at, next_at.unwrap())),
            _ => None,
        });
        let (at, next_at) = failed.unwrap();
        let pause = next_at.to_system().duration_since(at.to_system()).unwrap();
        // Stored a moment after it was computed.
        assert!(pause > Duration::from_millis(400) && pause <= Duration::from_millis(700), "{pause:?}");
        assert_eq!(ledger::of(&id).len(), 2);
        worker.shutdown().await.unwrap();
    }

    async fn terminal_failure_of_a_model_uses_no_further_attempt(scene: Scene) {
        let id = scene.id("refused");
        let worker = scene.worker().workflow(asks_the_frail).start().await.unwrap();
        let run = asks_the_frail().run_id(&id).start(&scene.client).await.unwrap();
        let error = soon(run.result()).await.unwrap_err().to_string();
        assert!(error.contains("refuses the key"), "{error}");
        assert_eq!(ledger::of(&id), ["ask frail"]);
        worker.shutdown().await.unwrap();
    }

    async fn answer_that_does_not_fit_is_repaired_once(scene: Scene) {
        let id = scene.id("judges");
        let worker = scene.worker().workflow(judges).start().await.unwrap();
        let run = judges().run_id(&id).start(&scene.client).await.unwrap();
        assert!(soon(run.result()).await.unwrap());
        assert_eq!(ledger::of(&id).len(), 2);
        worker.shutdown().await.unwrap();
    }

    async fn answer_that_never_fits_fails_that_call_and_a_retry_makes_it_again(scene: Scene) {
        let id = scene.id("stubborn");
        let worker = scene.worker().workflow(judges).start().await.unwrap();
        let run = judges().run_id(&id).start(&scene.client).await.unwrap();
        let error = soon(run.result()).await.unwrap_err().to_string();
        assert!(error.contains("does not fit `Verdict`") && !error.contains("hush"), "{error}");
        assert_eq!(ledger::of(&id).len(), 2);
        scene.client.retry(id.as_str(), "ops").await.unwrap();
        assert!(soon(run.result()).await.unwrap());
        assert_eq!(ledger::of(&id).len(), 3);
        worker.shutdown().await.unwrap();
    }

    async fn worker_puts_its_own_model_and_key_in_place_and_nothing_of_them_is_stored(scene: Scene) {
        let provider = FakeProvider::start().await;
        let params = InferenceParams::new().api_base(&provider.url).unwrap().api_key("sk-canary-77").unwrap();
        let credentials = WorkerCredentials::new()
            .model_override("default", "ollama/llama3.2").unwrap()
            .inference_overrides(params);
        let worker = scene.worker().workflow(asks_remote).credentials(credentials).start().await.unwrap();
        let run = asks_remote().start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "Hello, Ann.");
        let (head, body) = provider.asked().pop().unwrap();
        assert!(head.starts_with("post /v1/chat/completions"), "{head}");
        assert!(head.contains("bearer sk-canary-77") && body["model"] == "llama3.2", "{head}");
        let journal = format!("{:?}", scene.client.journal(run.id()).await.unwrap());
        assert!(!journal.contains("sk-canary"), "{journal}");
        assert!(journal.contains("ollama/llama3.2"));
        worker.shutdown().await.unwrap();
    }

    async fn next_model_is_asked_when_the_first_has_failed_for_good(scene: Scene) {
        let worker = scene.worker().workflow(asks_remote).start().await.unwrap();
        let run = asks_remote().start(&scene.client).await.unwrap();
        let error = soon(run.result()).await.unwrap_err().to_string();
        assert!(error.contains("anthropic/claude-none"), "{error}");
        assert_eq!(
            positions(&scene, run.id()).await,
            ["$input", "agent:remote/model", "agent:remote/model#2", "$output"]
        );
        assert_eq!(run.status().await.unwrap().run.state, RunState::Failed);
        worker.shutdown().await.unwrap();
    }
}

#[test]
fn graph_shows_where_agents_are_asked() {
    let graph = sagewai::graph(asks_at_once);
    let paths: Vec<&str> = graph.nodes.iter().map(|node| node.path).collect();
    assert!(paths.iter().any(|path| path.contains("echo")), "{paths:?}");
}

#[test]
fn agents_that_cannot_be_asked_are_refused_when_they_are_described() {
    let build =
        |builder: sagewai::agent::UniversalAgentBuilder| builder.build().unwrap_err().to_string();
    let unknown = build(UniversalAgent::builder("a").model("llama3.2"));
    assert!(
        unknown.contains("ollama") && unknown.contains("llama3.2"),
        "{unknown}"
    );
    let fallback = build(UniversalAgent::builder("a").model("gpt-4o").fallback("x"));
    assert!(fallback.contains("`x`"), "{fallback}");
    assert!(build(UniversalAgent::builder("a")).contains(".model("));
    assert!(build(UniversalAgent::builder("a/b").model("o3")).contains("a/b"));
    assert!(
        build(UniversalAgent::builder("a").model("o3").max_iterations(0)).contains("0 iterations")
    );
}

#[tokio::test]
async fn listener_hears_the_text_as_it_comes_and_what_it_cost() {
    let told: Arc<Mutex<Vec<AgentEventKind>>> = Arc::default();
    let heard = told.clone();
    let usage = Usage {
        input: 1_000,
        output: 200,
        ..Usage::default()
    };
    let reply = ChatReply {
        usage: Some(usage),
        ..ChatReply::text("Hello.")
    };
    let prices = Prices::of("2026-11-01").model("gpt-4o", Price::cents(250, 1_000));
    let agent = UniversalAgent::builder("teller")
        .model("gpt-4o")
        .scripted(ScriptedModel::answering([
            Ok(reply),
            Ok(ChatReply::text("Bye.")),
        ]))
        .prices(prices.unwrap())
        .stream()
        .on_event(move |event| heard.lock().unwrap().push(event.kind.clone()))
        .build()
        .unwrap();
    let reply = agent.chat("Hi.").await.unwrap();
    let cost = Some(Cost::from_nano_dollars(4_500_000));
    assert_eq!((reply.spent().usage, reply.spent().cost), (usage, cost));
    assert_eq!(
        told.lock().unwrap()[..],
        [
            AgentEventKind::Asking {
                model: "openai/gpt-4o".to_owned()
            },
            AgentEventKind::Text("Hello.".to_owned()),
            AgentEventKind::Answered {
                model: "openai/gpt-4o".to_owned(),
                usage: Some(usage),
                cost
            },
        ]
    );
    // Without usage the cost is not known, rather than nothing.
    assert_eq!(agent.chat("Hi.").await.unwrap().spent().cost, None);
}
