//! An agent with tools, one of which needs a person: it looks an order up, asks whether it may pay back, and answers.
//!
//! It runs offline: the model follows a script. With `--model ollama/llama3.2` a model of yours is asked.

use std::sync::LazyLock;

use clap::Parser;
use sagewai::agent::{
    ChatReply, ChatRequest, Message, ScriptedModel, UniversalAgent, schemars, tool,
};
use sagewai::prelude::*;
use sagewai::{InferenceParams, WorkerCredentials};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Asks an agent about an order.
#[derive(Debug, Parser)]
struct Options {
    /// What the customer says.
    #[arg(default_value = "Order 17 arrived broken. I want my money back.")]
    message: String,
    /// A model in place of the script, as `ollama/llama3.2` or `gpt-4o`.
    #[arg(long)]
    model: Option<String>,
    /// Where it is served, where that is somewhere else than usual.
    #[arg(long)]
    api_base: Option<String>,
    /// The key for it.
    #[arg(long)]
    api_key: Option<String>,
}

static OPTIONS: LazyLock<Options> = LazyLock::new(Options::parse);

/// An order, as far as it matters here.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(crate = "sagewai::agent::schemars")]
struct Order {
    number: u32,
    article: String,
    cents: u32,
}

/// Looks an order up by its number.
#[step]
async fn look_up(number: u32) -> Result<Order> {
    println!("  looks order {number} up");
    Ok(Order {
        number,
        article: "a tide clock".to_owned(),
        cents: 4_900,
    })
}

/// Pays money back for an order.
#[step(retries = 2)]
async fn refund(ctx: &StepContext, number: u32, cents: u32) -> Result<String> {
    println!(
        "  pays {cents} cents back, under key {}",
        ctx.idempotency_key()
    );
    Ok(format!("{cents} cents paid back for order {number}"))
}

/// The agent. It lives as long as the process, and its connections with it.
static SUPPORT: LazyLock<UniversalAgent> = LazyLock::new(|| {
    let agent = UniversalAgent::builder("support")
        .system_prompt(
            "You help customers of a shop. Look orders up before you say anything about them.",
        )
        .tool(look_up)
        .tool(tool(refund).approve("refunds"));
    let agent = match &OPTIONS.model {
        Some(model) => agent.model(model),
        None => agent.scripted(ScriptedModel::new(|request| Ok(script(request)))),
    };
    agent.build().unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(2);
    })
});

/// What a model would do.
fn script(request: &ChatRequest) -> ChatReply {
    let Some(Message::Tools(results)) = request.messages.last() else {
        return ChatReply::tools([("look_up", json!({"number": 17}))]);
    };
    match (results[0].name.as_str(), results[0].is_error) {
        ("look_up", _) => ChatReply::tools([("refund", json!({"number": 17, "cents": 4_900}))]),
        ("refund", false) => ChatReply::text("I am sorry for that. Your $49.00 are on their way."),
        _ => ChatReply::text(format!("I cannot pay that back: {}", results[0].content)),
    }
}

/// Answers a customer.
#[workflow]
async fn support(message: String) -> Result<String> {
    let reply = SUPPORT.chat(message).await?;
    Ok(reply.into_text())
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut params = InferenceParams::new();
    if let Some(base) = &OPTIONS.api_base {
        params = params.api_base(base)?;
    }
    if let Some(key) = &OPTIONS.api_key {
        params = params.api_key(key.as_str())?;
    }
    let store = sagewai::store::open("memory:").await?;
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .workflow(support)
        .credentials(WorkerCredentials::new().inference_overrides(params))
        .start()
        .await?;
    println!("customer: {}", OPTIONS.message);
    let run = support(OPTIONS.message.clone()).start(&client).await?;

    // Whoever decides sees exactly what is to be done, and decides about nothing else.
    let decide = async {
        loop {
            let open = client.gates().pending().await?;
            for gate in open {
                let shown = gate.context.map(|context| context.to_string());
                println!("{} {}", gate.prompt, shown.unwrap_or_default());
                client
                    .gate(run.id().as_str(), &gate.name)
                    .approve("ann@acme.example")
                    .await?;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let answered: Result<String> = tokio::select! {
        answered = run.result() => answered.map_err(Into::into),
        failed = decide => failed,
    };
    println!("support: {}", answered?);
    for checkpoint in client.journal(run.id()).await?.checkpoints {
        println!("  {}", checkpoint.written.position);
    }
    worker.shutdown().await?;
    Ok(())
}
