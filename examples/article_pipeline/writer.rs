//! Lets a model draft the article.

use sagewai::agent::UniversalAgent;
use sagewai::prelude::*;
use sagewai::{InferenceParams, Invalid, WorkerCredentials};

use crate::pipeline::{Draft, Notes};
use crate::summary;

/// The most of the notes that a model is shown.
const PASSAGES: usize = 12;

/// The agent, where there is a model or a key for one.
pub fn writer(model: Option<&str>, key: Option<&str>) -> Result<Option<UniversalAgent>, Invalid> {
    let of_key = key.map(|key| {
        if key.starts_with("sk-ant-") {
            "claude-sonnet-4-5"
        } else {
            "gpt-4o"
        }
    });
    let Some(model) = model.or(of_key) else {
        return Ok(None);
    };
    let writer = UniversalAgent::builder("writer").model(model).system_prompt(
        "You write short articles in Markdown from notes. Say nothing that is not in the notes, and begin with the text, \
         without a title.",
    );
    writer.build().map(Some)
}

/// How models are reached by this process alone.
pub fn credentials(base: Option<&str>, key: Option<&str>) -> Result<WorkerCredentials> {
    let mut params = InferenceParams::new();
    if let Some(base) = base {
        params = params.api_base(base)?;
    }
    if let Some(key) = key {
        params = params.api_key(key)?;
    }
    Ok(WorkerCredentials::new().inference_overrides(params))
}

/// The article in the model's words.
pub async fn draft(writer: &UniversalAgent, notes: &Notes) -> Result<Draft> {
    let passages = notes.passages.iter().take(PASSAGES);
    let passages: Vec<String> = passages
        .map(|p| format!("From {}:\n{}", p.source, p.text))
        .collect();
    let order = format!("Write about: {}\n\n{}", notes.topic, passages.join("\n\n"));
    let text = writer.chat(order).await?.into_text();
    let title = summary::title(&notes.topic);
    Ok(Draft {
        words: text.split_whitespace().count(),
        markdown: format!("# {title}\n\n{}\n", text.trim()),
        title,
    })
}
