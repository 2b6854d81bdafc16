//! An agent: a model asks for tools until it has an answer.

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    role: String,
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Turn {
    Answer(String),
    Tool { name: String, input: String },
}

#[step(retries = 6, retry_delay = "2s", timeout = "3m")]
async fn complete(messages: &[Message]) -> Result<Turn> {
    Ok(match messages.last() {
        Some(last) if last.role == "tool" => Turn::Answer(last.text.clone()),
        _ => Turn::Tool { name: "search".into(), input: String::new() },
    })
}

#[step]
async fn search(query: &str) -> Result<String> {
    Ok(query.to_owned())
}

#[step(name = "run-shell", timeout = "1m")]
async fn shell(command: &str) -> Result<String> {
    Ok(command.to_owned())
}

fn message(role: &str, text: impl Into<String>) -> Message {
    Message { role: role.to_owned(), text: text.into() }
}

#[workflow(name = "research-agent")]
async fn agent(question: String) -> Result<String> {
    const TURNS_MAX: usize = 20;

    let mut messages = vec![message("user", question)];
    for turn in 0..TURNS_MAX {
        let (name, input) = match complete(&messages).await? {
            Turn::Answer(text) => return Ok(text),
            Turn::Tool { name, input } => (name, input),
        };
        let output = match name.as_str() {
            "search" => search(&input).await,
            "shell" => {
                approval(format!("shell-{turn}")).prompt(&input).await?;
                shell(&input).await
            }
            unknown => Err(format!("no tool is called {unknown}").into()),
        };
        messages.push(match output {
            Ok(text) => message("tool", text),
            Err(failure) => message("tool", format!("failed: {failure}")),
        });
    }
    Err(Failure::terminal("no answer within the limit"))
}

fn main() {
    assert_eq!(sagewai::graph(agent).nodes.len(), 4);
}
