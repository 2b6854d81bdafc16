//! Researches a topic in a folder of texts, drafts an article, asks for approval, publishes a Markdown file.
//!
//! Kill it anywhere and give the same command again: it goes on where it was.

mod pipeline;
mod ranking;
mod summary;
mod terminal;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use sagewai::prelude::*;

use pipeline::{Order, PACE, WRITER, article_pipeline};

/// Researches a topic in a folder of text and Markdown files, drafts an article from what it finds, asks you, and
/// publishes it as a Markdown file. Killed in the middle, the same command goes on where it was.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, Parser)]
#[command(name = "article_pipeline")]
struct Options {
    /// What the article is about, in a few words.
    #[arg(required_unless_present_any = ["worker", "graph"])]
    topic: Vec<String>,
    /// Where to look for it; this project's own documentation by default.
    #[arg(long, short)]
    folder: Option<PathBuf>,
    /// Where the article goes.
    #[arg(long, default_value = "articles")]
    out: PathBuf,
    /// Approve without asking.
    #[arg(long)]
    yes: bool,
    /// Where runs live: `sqlite://file.db` or `postgres://user@host/database`.
    #[arg(long, default_value = "sqlite://articles.db")]
    store: String,
    /// Only serve runs that other processes start, until Ctrl-C.
    #[arg(long)]
    worker: bool,
    /// Only start the run and watch it; a worker in another process drives it.
    #[arg(long, conflicts_with = "worker")]
    no_worker: bool,
    /// Seconds that each step takes at least, so that there is time to kill it.
    #[arg(long, default_value_t = 0.0)]
    pace: f64,
    /// Start over, under a new run id, when this article was published or given up before.
    #[arg(long)]
    again: bool,
    /// Let a model draft, as `ollama/llama3.2`, `gpt-4o` or `claude-sonnet-4-5`; without one, the program drafts itself.
    #[arg(long)]
    model: Option<String>,
    /// Where the model is served, where that is somewhere else than usual.
    #[arg(long)]
    api_base: Option<String>,
    /// The key for the model; without `--model` it is one for `gpt-4o`, or for `claude-sonnet-4-5` where it begins with
    /// `sk-ant-`.
    #[arg(long)]
    api_key: Option<String>,
    /// Only show what the workflow does: as a tree, or as `--graph=mermaid`, `dot` or `json`.
    #[arg(
        long,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text",
        value_parser = ["text", "mermaid", "dot", "json"]
    )]
    graph: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let options = Options::parse();
    if let Some(format) = &options.graph {
        println!("{}", picture(format));
        return Ok(());
    }
    if !(0.0..=3600.0).contains(&options.pace) {
        return Err("--pace is a number of seconds from 0 to 3600".into());
    }
    PACE.get_or_init(|| Duration::from_secs_f64(options.pace));
    if let Some(writer) = writer::writer(options.model.as_deref(), options.api_key.as_deref())? {
        WRITER.get_or_init(|| writer);
    }
    let credentials = writer::credentials(options.api_base.as_deref(), options.api_key.as_deref())?;
    let store = sagewai::store::open(&options.store).await?;
    let worker = WorkflowWorker::builder(&store)
        .workflow(article_pipeline)
        .credentials(credentials);
    if options.worker {
        println!(
            "serving article-pipeline on {}; Ctrl-C ends it",
            options.store
        );
        return Ok(worker.run().await?);
    }

    let order = order(&options)?;
    let client = Client::new(&store);
    let id = terminal::run_id(&client, &order, options.again).await?;
    let worker = if options.no_worker {
        None
    } else {
        Some(worker.start().await?)
    };
    let run = article_pipeline(order).run_id(id).start(&client).await?;
    println!(
        "{} run {} ({})",
        if run.is_new() {
            "started"
        } else {
            "going on with"
        },
        run.id(),
        options.store
    );

    let watched = tokio::select! {
        watched = terminal::watch(&client, &run, options.yes) => watched,
        _ = tokio::signal::ctrl_c() => {
            println!("\ninterrupted; the same command goes on from here");
            Ok(())
        }
    };
    if let Some(worker) = worker {
        worker.shutdown().await?;
    }
    watched
}

/// The workflow as a picture.
fn picture(format: &str) -> String {
    let graph = sagewai::graph(article_pipeline);
    match format {
        "mermaid" => graph.to_mermaid(),
        "dot" => graph.to_dot(),
        "json" => graph.to_json(),
        _ => graph.to_text(),
    }
}

/// The arguments of the run, in full: another process, in another folder, must find the same files.
fn order(options: &Options) -> Result<Order> {
    let mut words = options.topic.clone();
    let mut folder = options.folder.clone();
    // `-- <topic> [folder]`: a last word that is a folder, or looks like one, is meant as one.
    let is_folder = |word: &&String| word.contains('/') || Path::new(word).is_dir();
    if folder.is_none()
        && words.len() > 1
        && let Some(last) = words.last().filter(is_folder)
    {
        folder = Some(PathBuf::from(last));
        words.pop();
    }
    let folder = folder.unwrap_or_else(|| {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        own.join("docs")
    });
    let folder = folder
        .canonicalize()
        .map_err(|e| format!("{} cannot be read: {e}", folder.display()))?;
    if !folder.is_dir() {
        return Err(format!("{} is no folder", folder.display()).into());
    }
    Ok(Order {
        topic: words.join(" "),
        folder,
        out: std::path::absolute(&options.out)?,
    })
}
