//! Agents that the crash tests kill: one with tools, alone and at once, before agents that are put together.

use std::sync::LazyLock;

use sagewai::agent::{
    ChatReply, LoopAgent, Message, ParallelAgent, ScriptedModel, SequentialAgent, UniversalAgent,
};
use sagewai::prelude::*;
use serde_json::json;

use super::{note, one, two};

/// An agent whose calls stand in the ledger.
fn agent(
    name: &str,
    answer: impl Fn(usize, u64) -> ChatReply + Send + Sync + 'static,
) -> sagewai::agent::UniversalAgentBuilder {
    let script = ScriptedModel::new(move |request| {
        let ctx = StepContext::current().expect("a model is asked in a step");
        note(&ctx, "begin");
        let heard = request.messages.iter().map(|message| match message {
            Message::User(text) => text.parse().unwrap_or_default(),
            Message::Tools(results) => results
                .iter()
                .filter_map(|r| r.content.parse::<u64>().ok())
                .sum(),
            _ => 0,
        });
        let reply = answer(request.messages.len(), heard.sum());
        note(&ctx, "end");
        Ok(reply)
    });
    UniversalAgent::builder(name).scripted(script)
}

/// Adds by its tools: two at once, then one.
fn adder() -> UniversalAgent {
    let adds = agent("adder", |messages, sum| match messages {
        1 => ChatReply::tools([("one", json!({"value": 1})), ("two", json!({"value": 2}))]),
        3 => ChatReply::tools([("one", json!({"value": sum}))]),
        _ => ChatReply::text(sum.to_string()),
    });
    adds.tool(one)
        .tool(two)
        .build()
        .expect("it is described well")
}

fn grower(name: &str) -> UniversalAgent {
    let grows = agent(name, |_, sum| ChatReply::text((sum + 1).to_string()));
    grows.build().expect("it is described well")
}

static ALL: LazyLock<SequentialAgent> = LazyLock::new(|| {
    let both = ParallelAgent::builder("both")
        .agent(grower("left"))
        .agent(
            SequentialAgent::builder("right")
                .agent(grower("r1"))
                .agent(grower("r2"))
                .build()
                .expect("two"),
        )
        .merge(|replies| {
            let numbers = replies.iter().filter_map(|r| r.text().parse::<u64>().ok());
            numbers.sum::<u64>().to_string()
        })
        .build();
    let rounds = LoopAgent::builder("rounds")
        .agent(grower("again"))
        .until(|_, round| round == 1)
        .build();
    SequentialAgent::builder("all")
        .agent(adder())
        .agent(both.expect("two"))
        .agent(rounds.expect("one"))
        .build()
        .expect("three")
});

#[workflow(name = "agents")]
pub async fn agents(value: u32) -> Result<String> {
    Ok(ALL.chat(value.to_string()).await?.into_text())
}
