//! The workflow: research, draft, review, publish.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use sagewai::agent::UniversalAgent;
use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{ranking, summary, writer};

/// How long each step takes at least. A matter of this process, not of the run: so it is no argument.
pub static PACE: OnceLock<Duration> = OnceLock::new();

/// Who drafts, where it is to be a model.
pub static WRITER: OnceLock<UniversalAgent> = OnceLock::new();

async fn pace() {
    tokio::time::sleep(PACE.get().copied().unwrap_or_default()).await;
}

/// What is ordered: the arguments of the workflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    pub topic: String,
    pub folder: PathBuf,
    pub out: PathBuf,
}

/// What the research found, best first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notes {
    pub topic: String,
    pub files_read: usize,
    pub passages: Vec<Passage>,
}

/// A paragraph that has to do with the topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Passage {
    pub source: String,
    pub heading: String,
    pub text: String,
    pub score: f64,
}

/// An article that nobody has approved yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Draft {
    pub title: String,
    pub markdown: String,
    pub words: usize,
}

/// Where the article is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Published {
    pub path: PathBuf,
    pub approved_by: String,
}

/// Reads the folder and finds the passages that have to do with the topic.
#[step(retries = 2, timeout = "5m")]
async fn research(order: &Order) -> Result<Notes> {
    pace().await;
    let (topic, folder) = (order.topic.clone(), order.folder.clone());
    // Reading and ranking block, so they go where that is allowed.
    let notes = tokio::task::spawn_blocking(move || ranking::research(&topic, &folder)).await??;
    Ok(notes)
}

/// Writes an article from the notes.
#[step(retries = 3, retry_delay = 2.0, timeout = "5m")]
async fn draft(notes: &Notes) -> Result<Draft> {
    pace().await;
    match WRITER.get() {
        Some(writer) => writer::draft(writer, notes).await,
        None => Ok(summary::draft(notes)),
    }
}

/// Puts the article where its readers find it. Written beside and moved into place, so that nobody ever sees half of
/// it, and done again after a crash it is the same file.
#[step(timeout = 30)]
async fn publish(draft: &Draft, order: &Order, approved_by: &str) -> Result<Published> {
    pace().await;
    let path = order.out.join(format!("{}.md", slug(&draft.title)));
    let beside = path.with_extension("md.part");
    tokio::fs::create_dir_all(&order.out).await?;
    tokio::fs::write(&beside, &draft.markdown).await?;
    tokio::fs::rename(&beside, &path).await?;
    Ok(Published {
        path,
        approved_by: approved_by.to_owned(),
    })
}

/// Researches, drafts, asks a person, publishes.
#[workflow(name = "article-pipeline")]
pub async fn article_pipeline(order: Order) -> Result<Published> {
    let notes = research(&order).await?;
    let draft = draft(&notes).await?;
    let decision = approval("review")
        .prompt(format!(
            "Publish \u{201c}{}\u{201d}, {} words?",
            draft.title, draft.words
        ))
        .context(&draft)
        .await?;
    publish(&draft, &order, &decision.by).await
}

/// A name for a file or a run: lower-case words joined by hyphens.
pub fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-").chars().take(60).collect()
}
