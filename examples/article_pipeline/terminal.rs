//! What the person at the terminal sees and says.

use std::io::{BufRead, Write};
use std::time::{Duration, SystemTime};

use sagewai::prelude::*;
use sagewai::{RunHandle, StepState, StepStatus, Waiting};

use crate::pipeline::{Order, article_pipeline, slug};

/// How often the run is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The id under which this order runs: the same for the same order, so that the same command finds its run again.
pub async fn run_id(client: &Client, order: &Order, again: bool) -> Result<String> {
    let folder = order.folder.file_name().unwrap_or_default();
    let base = format!(
        "article-{}-in-{}",
        slug(&order.topic),
        folder.to_string_lossy()
    );
    if !again {
        return Ok(base);
    }
    let mut id = base.clone();
    for copy in 2.. {
        match client.status(id.as_str()).await? {
            Some(status) if status.run.state.is_finished() => id = format!("{base}-{copy}"),
            _ => break,
        }
    }
    Ok(id)
}

/// Prints the run's steps as they happen, and asks at its gate.
pub async fn watch(client: &Client, run: &RunHandle<article_pipeline>, yes: bool) -> Result<()> {
    let began = SystemTime::now();
    let mut seen: Vec<StepStatus> = Vec::new();
    let mut asked = false;
    loop {
        let status = run.status().await?;
        for step in &status.steps {
            if seen.iter().all(|s| s != step) {
                print_step(
                    step,
                    began,
                    seen.iter().any(|s| s.position == step.position),
                );
            }
        }
        seen.clone_from(&status.steps);
        if status.run.state.is_finished() {
            break;
        }
        match &status.run.waiting {
            Some(Waiting::Gate { gate }) if !asked => {
                asked = true;
                if !decide(client, run, gate, yes).await? {
                    return Ok(());
                }
            }
            Some(Waiting::Diverged { reason }) => {
                println!("  held: {reason}");
                return Ok(());
            }
            _ => {}
        }
        tokio::time::sleep(LOOK).await;
    }
    match run.outcome().await? {
        Ok(published) => println!(
            "published {} (approved by {})",
            published.path.display(),
            published.approved_by
        ),
        Err(failure) => {
            if let Some(Fault::Rejected {
                reviewer, reason, ..
            }) = failure.fault()
            {
                println!("rejected by {reviewer}: {reason}");
            } else {
                println!("failed: {failure:?}");
            }
            println!("`--again` starts over");
        }
    }
    Ok(())
}

fn print_step(step: &StepStatus, began: SystemTime, known: bool) {
    let took = step.took.unwrap_or_default().as_secs_f64();
    let line = match step.state {
        StepState::Completed => {
            let at = step.finished_at.map(sagewai::Timestamp::to_system);
            if at.is_some_and(|at| at < began) {
                "done before, not repeated".to_owned()
            } else if took > 0.0 {
                format!("completed in {took:.2} s, attempt {}", step.attempt)
            } else {
                "completed".to_owned()
            }
        }
        StepState::Failed => format!("failed: {}", step.error.as_deref().unwrap_or_default()),
        StepState::Retrying { next_at } => format!(
            "attempt {} failed: {}; again at {next_at}",
            step.attempt - 1,
            step.error.as_deref().unwrap_or_default()
        ),
        // Told again with each heartbeat.
        StepState::Running if known => return,
        StepState::Running => format!("running, attempt {}", step.attempt),
    };
    println!("  {:<18} {line}", step.position.as_str());
}

/// Asks at the gate. Returns false where nobody answered: the run waits on.
async fn decide(
    client: &Client,
    run: &RunHandle<article_pipeline>,
    gate: &str,
    yes: bool,
) -> Result<bool> {
    let open = client.gates().pending().await?;
    let Some(open) = open
        .into_iter()
        .find(|g| g.run == *run.id() && g.name == gate)
    else {
        // Somebody else was quicker.
        return Ok(true);
    };
    let reviewer = "terminal";
    let handle = client.gate(run.id().as_str(), gate);
    println!("  {:<18} {}", format!("approval:{gate}"), open.prompt);
    if yes {
        handle.approve("--yes").await?;
        return Ok(true);
    }
    if let Some(draft) = open.context.as_ref() {
        let draft: crate::pipeline::Draft = draft.decode()?;
        println!("\n{}", draft.markdown);
    }
    match ask("publish it? [y/n] ").await? {
        Some(answer) if matches!(answer.to_lowercase().as_str(), "y" | "yes") => {
            handle.approve(reviewer).await?;
        }
        Some(answer) if matches!(answer.to_lowercase().as_str(), "n" | "no") => {
            let reason = ask("why not? ").await?.filter(|reason| !reason.is_empty());
            handle
                .reject(
                    reviewer,
                    reason.unwrap_or_else(|| "no reason given".to_owned()),
                )
                .await?;
        }
        _ => {
            println!(
                "\nthe run waits for a decision, for as long as it takes; the same command asks again"
            );
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a line from the terminal; none at its end.
async fn ask(question: &str) -> Result<Option<String>> {
    print!("{question}");
    std::io::stdout().flush()?;
    // A thread of its own: while it waits for a key, nothing else must.
    let (answered, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        // Nobody listens any more where the program was interrupted.
        let _ = answered.send(read.map(|n| (n > 0).then(|| line.trim().to_owned())));
    });
    Ok(answer.await??)
}
