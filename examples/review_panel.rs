//! Agents put together: a desk chooses who writes, three reviewers look at the text at once, and writer and reviewers go
//! round until the reviewers have nothing to say.
//!
//! It runs offline: the models follow scripts. With `--model ollama/llama3.2` a model of yours is asked by all of them.

use std::sync::LazyLock;

use clap::Parser;
use sagewai::agent::{
    AgentEventKind, ChatReply, ConditionalAgent, LoopAgent, Message, ParallelAgent, Reply,
    ScriptedModel, SequentialAgent, UniversalAgent, from_fn,
};
use sagewai::prelude::*;
use sagewai::{InferenceParams, Invalid, WorkerCredentials};

/// Writes about something until a panel of reviewers is content.
#[derive(Debug, Parser)]
struct Options {
    /// What it is to be about.
    #[arg(default_value = "why the tide comes twice a day")]
    topic: String,
    /// A model in place of the scripts, as `ollama/llama3.2` or `gpt-4o`.
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

/// An agent with a task, and what it says offline about what it hears.
fn agent(name: &str, task: &str, offline: fn(&str) -> String) -> Result<UniversalAgent, Invalid> {
    let agent = UniversalAgent::builder(name)
        .system_prompt(task)
        .on_event(|event| {
            if let AgentEventKind::Answered { model, .. } = &event.kind {
                println!("  {} has answered ({model})", event.agent);
            }
        });
    let agent = match &OPTIONS.model {
        Some(model) => agent.model(model),
        None => agent.scripted(ScriptedModel::new(move |request| {
            let text = match request.messages.last() {
                Some(Message::User(text)) => offline(text),
                _ => String::new(),
            };
            Ok(ChatReply::text(text))
        })),
    };
    agent.build()
}

/// What stands between a text and what reviewers want of it.
const WISHES: &str = "\n\nReviewers want:\n";

fn reviewer(name: &str, looks_at: &str) -> Result<UniversalAgent, Invalid> {
    let task = format!(
        "You look at {looks_at} of a text. Answer `fine`, or say in one sentence what to change."
    );
    agent(name, &task, |text| {
        let is_long = text.len() > 80;
        if is_long {
            "fine"
        } else {
            "Say a little more."
        }
        .to_owned()
    })
}

/// The text, and below it what the reviewers want; the text alone where all are content.
fn panel() -> Result<ParallelAgent, Invalid> {
    ParallelAgent::builder("panel")
        .agent(from_fn("text", async |text: String| Ok(text)))
        .agent(reviewer("facts", "the facts")?)
        .agent(reviewer("style", "the style")?)
        .agent(reviewer("length", "the length")?)
        .merge(|replies: &[Reply]| {
            let (text, reviewers) = (&replies[0], &replies[1..]);
            let wishes = reviewers.iter().map(|reply| reply.text().trim());
            let wishes: Vec<&str> = wishes.filter(|wish| !wish.starts_with("fine")).collect();
            if wishes.is_empty() {
                return text.text().to_owned();
            }
            format!("{text}{WISHES}{}", wishes.join("\n"))
        })
        .build()
}

fn writers() -> Result<ConditionalAgent, Invalid> {
    let write = |text: &str| format!("Here is what there is to know: {text}");
    ConditionalAgent::builder("desk")
        .condition(|topic: &str| {
            if topic.contains('?') {
                "answer"
            } else {
                "article"
            }
        })
        .branch(
            "answer",
            agent(
                "answerer",
                "You answer the question in three sentences.",
                write,
            )?,
        )
        .branch(
            "article",
            agent("writer", "You write or improve a short text.", write)?,
        )
        .build()
}

/// Writes first; then goes round until nobody wants anything more.
fn pipeline() -> Result<SequentialAgent, Invalid> {
    let task = "You change a text as its reviewers want, and answer with the whole new text and nothing else.";
    let editor = agent("editor", task, |text| match text.split_once(WISHES) {
        Some((text, _)) => format!("{text}, and that is not all there is to say"),
        None => text.to_owned(),
    });
    let rounds = LoopAgent::builder("rounds")
        .agent(editor?)
        .agent(panel()?)
        .until(|text, _| !text.contains(WISHES))
        .max_iterations(3)
        .on_progress(|round, most, _| println!("  round {round} of at most {most}"))
        .build()?;
    SequentialAgent::builder("pipeline")
        .agent(writers()?)
        .agent(rounds)
        .build()
}

static PIPELINE: LazyLock<SequentialAgent> = LazyLock::new(|| {
    pipeline().unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(2);
    })
});

/// Writes, has it reviewed, changes it.
#[workflow]
async fn review_panel(topic: String) -> Result<String> {
    let reply = PIPELINE.chat(topic).await?;
    let calls = reply.spent().calls;
    Ok(format!("{reply} ({calls} calls of models)"))
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
    let worker = WorkflowWorker::builder(&store)
        .workflow(review_panel)
        .credentials(WorkerCredentials::new().inference_overrides(params))
        .start()
        .await?;
    let client = Client::new(&store);
    let run = review_panel(OPTIONS.topic.clone()).start(&client).await?;
    println!("{}", run.result().await?);
    for checkpoint in client.journal(run.id()).await?.checkpoints {
        println!("  {}", checkpoint.written.position);
    }
    worker.shutdown().await?;
    Ok(())
}
