//! A language model sorts tickets; a person looks at what it is not sure about.

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Verdict {
    Answer { text: String, sure: f64 },
    Bug { component: String },
    Spam,
}

#[step(retries = 4, retry_delay = 1.5, backoff = 3, timeout = "2m")]
async fn classify(ticket: &str, model: &str) -> Result<Verdict> {
    Ok(match (ticket.len(), model) {
        (0, _) => Verdict::Spam,
        (n, "small") => Verdict::Answer { text: ticket.to_uppercase(), sure: n as f64 / 100.0 },
        _ => Verdict::Bug { component: ticket.to_owned() },
    })
}

#[step]
async fn reply(ticket: &str, text: &str) -> Result<()> {
    let _ = (ticket, text);
    Ok(())
}

#[step]
async fn file_bug(component: String, ctx: &StepContext) -> Result<String> {
    Ok(format!("{component} ({})", ctx.idempotency_key()))
}

#[workflow(name = "support-triage")]
async fn triage(ticket: String) -> Result<String> {
    let models = ["small", "large"];
    let mut verdict = Verdict::Spam;
    for (attempt, model) in models.iter().enumerate() {
        verdict = classify(&ticket, model).named("ask").await?;
        match &verdict {
            Verdict::Answer { sure, .. } if *sure < 0.8 && attempt == 0 => continue,
            _ => break,
        }
    }
    let done = match verdict {
        Verdict::Spam => "dropped".to_owned(),
        Verdict::Bug { component } => {
            let bug = file_bug(component).await?;
            reply(&ticket, &format!("we track this as {bug}")).await?;
            bug
        }
        Verdict::Answer { text, sure } => {
            if sure < 0.8 {
                approval("reply").prompt("Send this?").context(&text).await?;
            }
            reply(&ticket, &text).await?;
            text
        }
    };
    Ok(done)
}

fn main() {
    assert_eq!(sagewai::graph(triage).nodes.len(), 5);
}
