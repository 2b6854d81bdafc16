//! Two people in a row: an editor, who has a deadline, and two of three lawyers, who must have seen the very text.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{OnDeadline, Waiting};

/// Writes something that somebody should look at.
#[step]
async fn write(topic: &str) -> Result<String> {
    Ok(format!("Everything about {topic}, in one sentence."))
}

/// Puts it where it can be read.
#[step]
async fn publish(text: &str, editor: &str) -> Result<String> {
    Ok(format!("published, edited by {editor}: {text}"))
}

/// Writes, has it edited and checked, publishes.
#[workflow]
async fn content_review(topic: String) -> Result<String> {
    let text = write(&topic).await?;
    let edited = approval("editor")
        .prompt("Is this fit to print?")
        .context(&text)
        .deadline(Duration::from_hours(1))
        .on_deadline(OnDeadline::Reject)
        .await?;
    approval("legal")
        .prompt("May we print it?")
        .context(&text)
        .reviewers(["ann@law.example", "bob@law.example", "cy@law.example"])
        .quorum(2)
        .no_self_approval()
        .await?;
    publish(&text, &edited.by).await
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = sagewai::store::open("memory:").await?;
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .workflow(content_review)
        .start()
        .await?;
    let run = content_review("tides".into())
        .run_id("review-1")
        .started_by("ann@law.example")
        .start(&client)
        .await?;

    // An editor, from any process. A decision that comes before the question is kept for it.
    client
        .gate("review-1", "editor")
        .approve("eve@acme.example")
        .await?;

    // The lawyers decide about what they are shown.
    let gate = loop {
        let waiting = run.status().await?.run.waiting;
        let pending = client.gates().pending().await?;
        match pending.into_iter().find(|gate| gate.name == "legal") {
            Some(gate) => break gate,
            None => println!(
                "{}",
                waiting
                    .as_ref()
                    .map_or("working".to_owned(), Waiting::to_string)
            ),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    println!("{} asks: {}", gate.run, gate.prompt);
    let legal = client.gate("review-1", "legal");
    for lawyer in ["ann@law.example", "bob@law.example", "cy@law.example"] {
        match legal.approve(lawyer).seen(&gate.digest).await {
            Ok(standing) => println!("{lawyer}: {standing:?}"),
            Err(refused) => println!("{lawyer}: {refused}"),
        }
    }
    println!("{}", run.result().await?);
    worker.shutdown().await?;
    Ok(())
}
