//! Tools: steps that a model asks for, alone and at once, with and without a person in between.

use std::sync::LazyLock;

use sagewai::agent::{
    ChatReply, ChatRequest, Message, ScriptedModel, UniversalAgent, schemars, tool,
};
use sagewai::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::durable::noted;
use crate::support::{soon, until};
use crate::{ledger, on_every_store};

#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(crate = "sagewai::agent::schemars")]
struct Money {
    /// Hundredths of a dollar.
    cents: u32,
}

/// Looks an order up.
///
/// By its number.
#[step]
async fn look_up(ctx: &StepContext, order: &str, fields: Option<Vec<String>>) -> Result<String> {
    ledger::note(ctx, format!("look_up {order}"));
    let fields = fields.unwrap_or_default().len();
    match order {
        "o-0" => Err("no such order".into()),
        _ => Ok(format!("order {order} with {fields} fields")),
    }
}

/// Pays money back.
#[step]
async fn refund(ctx: &StepContext, order: String, amount: Money) -> Result<Money> {
    ledger::note(ctx, format!("refund {order}"));
    Ok(amount)
}

/// What the tools gave in the last turn.
fn results(request: &ChatRequest) -> Vec<(String, bool)> {
    match request.messages.last() {
        Some(Message::Tools(results)) => results
            .iter()
            .map(|r| (r.content.clone(), r.is_error))
            .collect(),
        _ => Vec::new(),
    }
}

fn scripted(answer: impl Fn(&ChatRequest) -> ChatReply + Send + Sync + 'static) -> UniversalAgent {
    let script = ScriptedModel::new(move |request| {
        noted("desk");
        Ok(answer(request))
    });
    UniversalAgent::builder("desk")
        .scripted(script)
        .tool(look_up)
        .tool(tool(refund).approve("refunds"))
        .build()
        .unwrap()
}

/// Three at once, one of which is wrong; then it tells what it heard.
static DESK: LazyLock<UniversalAgent> = LazyLock::new(|| {
    scripted(|request| match request.messages.len() {
        1 => ChatReply::tools([
            ("look_up", json!({"order": "o-1", "fields": ["a", "b"]})),
            ("look_up", json!({"oder": "o-1"})),
            ("look_up", json!({"order": 7})),
            ("look_up", json!({"order": "o-0"})),
            ("look_down", json!({})),
        ]),
        3 => ChatReply::tools([("look_up", json!({"order": "o-2"}))]),
        _ => {
            let Message::Tools(first) = &request.messages[2] else {
                panic!()
            };
            let heard = first.iter().map(|r| (r.content.clone(), r.is_error));
            let heard: Vec<_> = heard.chain(results(request)).collect();
            ChatReply::text(json!(heard).to_string())
        }
    })
});

#[workflow]
async fn asks_desk() -> Result<String> {
    Ok(DESK.chat("Where is it?").await?.into_text())
}

/// Two refunds at once of the same arguments, and one of others.
static REFUNDS: LazyLock<UniversalAgent> = LazyLock::new(|| {
    let same = json!({"order": "o-1", "amount": {"cents": 5}});
    let other = json!({"order": "o-2", "amount": {"cents": 5}});
    scripted(move |request| match request.messages.len() {
        1 => ChatReply::tools([
            ("refund", same.clone()),
            ("refund", same.clone()),
            ("refund", other.clone()),
        ]),
        _ => ChatReply::text(json!(results(request)).to_string()),
    })
});

#[workflow]
async fn refunds() -> Result<String> {
    Ok(REFUNDS.chat("Pay.").await?.into_text())
}

on_every_store! {
    async fn tools_run_as_branches_and_mistakes_are_told_to_the_model(scene: Scene) {
        let id = scene.id("desk");
        let worker = scene.worker().workflow(asks_desk).start().await.unwrap();
        let run = asks_desk().run_id(&id).start(&scene.client).await.unwrap();
        let heard: Vec<(String, bool)> = serde_json::from_str(&soon(run.result()).await.unwrap()).unwrap();
        assert_eq!(heard[0], ("order o-1 with 2 fields".to_owned(), false));
        assert!(heard[1].1 && heard[1].0.contains("no argument `oder`; there are: order, fields"), "{heard:?}");
        assert!(heard[2].1 && heard[2].0.contains("argument `order`"), "{heard:?}");
        assert_eq!(heard[3], ("no such order".to_owned(), true));
        assert!(heard[4].1 && heard[4].0.contains("look_up, refund"), "{heard:?}");
        assert_eq!(heard[5], ("order o-2 with 0 fields".to_owned(), false));
        let journal = scene.client.journal(run.id()).await.unwrap();
        let mut found: Vec<&str> = journal.checkpoints.iter().map(|c| c.written.position.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, [
            "$input", "$output", "agent:desk/look_up", "agent:desk/map.0/look_up", "agent:desk/map.3/look_up",
            "agent:desk/model", "agent:desk/model#2", "agent:desk/model#3",
        ]);
        worker.shutdown().await.unwrap();
    }

    async fn each_call_needs_a_decision_of_its_own_about_its_exact_arguments(scene: Scene) {
        let id = scene.id("refunds");
        let worker = scene.worker().workflow(refunds).start().await.unwrap();
        let run = refunds().run_id(&id).start(&scene.client).await.unwrap();
        let gates = until(async || {
            let gates = scene.client.journal(run.id()).await.unwrap().gates;
            (gates.len() == 3).then_some(gates)
        }).await;
        let of = |order: &str| {
            let asked = gates.iter().filter(|gate| gate.context.as_ref().unwrap().as_str().contains(order));
            asked.map(|gate| gate.name.clone()).collect::<Vec<_>>()
        };
        let (same, other) = (of("o-1"), of("o-2"));
        assert_eq!((same.len(), other.len()), (2, 1));
        assert!(other[0].starts_with("refunds:") && !same.contains(&other[0]));
        scene.client.gate(&id, &same[0]).approve("ann").await.unwrap();
        scene.client.gate(&id, &other[0]).reject("bob", "too much").await.unwrap();
        until(async || (!ledger::of(&id).iter().all(|l| l.starts_with("ask"))).then_some(())).await;
        assert_eq!(ledger::of(&id), ["ask desk", "refund o-1"]);
        scene.client.gate(&id, &same[1]).approve("ann").await.unwrap();
        let heard: Vec<(String, bool)> = serde_json::from_str(&soon(run.result()).await.unwrap()).unwrap();
        assert_eq!(heard[0], (r#"{"cents":5}"#.to_owned(), false));
        assert_eq!(heard[1], heard[0]);
        assert!(heard[2].1 && heard[2].0 == "bob refused this call: too much", "{heard:?}");
        assert_eq!(ledger::of(&id), ["ask desk", "refund o-1", "refund o-1", "ask desk"]);
        worker.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn model_is_told_name_documentation_and_schema_of_a_step() {
    let script = ScriptedModel::saying(["done"]);
    let agent = UniversalAgent::builder("desk")
        .scripted(script.clone())
        .tool(look_up)
        .tool(refund)
        .build();
    agent.unwrap().chat("?").await.unwrap();
    let told = script.asked().pop().unwrap().tools;
    assert_eq!(
        (told[0].name.as_str(), told[0].description.as_str()),
        ("look_up", "Looks an order up.\n\nBy its number.")
    );
    assert_eq!(told[0].parameters["required"], json!(["order"]));
    assert_eq!(told[0].parameters["properties"]["order"]["type"], "string");
    let amount: &Value = &told[1].parameters["properties"]["amount"];
    assert_eq!(
        amount["properties"]["cents"]["description"],
        "Hundredths of a dollar."
    );
    assert_eq!(told[1].parameters["required"], json!(["order", "amount"]));
}

#[tokio::test]
async fn approval_outside_a_workflow_and_endless_tools_are_terminal_failures() {
    let call = || {
        Ok(ChatReply::tools([(
            "refund",
            json!({"order": "o-1", "amount": {"cents": 5}}),
        )]))
    };
    let script = ScriptedModel::new(move |_| call());
    let agent = UniversalAgent::builder("desk")
        .scripted(script)
        .tool(tool(refund).approve("refunds"));
    let failure = agent.build().unwrap().chat("?").await.unwrap_err();
    assert!(
        failure.is_terminal() && failure.message().contains("in the body of"),
        "{failure}"
    );

    let script = ScriptedModel::new(move |_| call());
    let agent = UniversalAgent::builder("desk")
        .scripted(script.clone())
        .tool(refund)
        .max_iterations(3);
    let failure = agent.build().unwrap().chat("?").await.unwrap_err();
    assert!(
        failure.is_terminal() && failure.message().contains("3 times"),
        "{failure}"
    );
    assert_eq!(script.asked().len(), 3);
}
