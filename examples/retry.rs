//! A step that fails twice: attempts are stored, so `retries` bounds them across crashes, and any process can see
//! them.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Journal, RunId};

/// Fails until its third attempt, as services do.
#[step(retries = 4, retry_delay = 0.3, backoff = 2)]
async fn fetch_rate(ctx: &StepContext, pair: &str) -> Result<f64> {
    if ctx.attempt() < 3 {
        return Err(format!("{pair}: attempt {} timed out", ctx.attempt()).into());
    }
    Ok(1.0831)
}

/// A mistake that no retry can mend: it is tried once.
#[step(retries = 4)]
async fn parse_amount(text: &str) -> Result<f64> {
    text.parse()
        .map_err(|_| Failure::terminal(format!("`{text}` is no amount")))
}

/// Converts an amount.
#[workflow]
async fn convert(amount: String) -> Result<f64> {
    let amount = parse_amount(&amount).await?;
    let rate = fetch_rate("EUR/USD").await?;
    Ok(amount * rate)
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = sagewai::store::open("memory:").await?;
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .workflow(convert)
        .poll_interval(Duration::from_millis(100))
        .start()
        .await?;

    for amount in ["250", "a lot"] {
        let run = convert(amount.into()).start(&client).await?;
        match run.result().await {
            Ok(converted) => println!("{amount} EUR are {converted:.2} USD"),
            Err(error) => println!("{error}"),
        }
        print_attempts(&client, run.id()).await?;
    }
    worker.shutdown().await?;
    Ok(())
}

async fn print_attempts(client: &Client, run: &RunId) -> Result<()> {
    let journal: Journal = client.journal(run).await?;
    for event in &journal.events {
        if let sagewai::EventKind::AttemptFailed {
            position,
            attempt,
            error,
            next_at,
        } = &event.kind
        {
            let next = next_at.map_or("given up".to_owned(), |at| format!("again at {at}"));
            println!(
                "  {} {position} attempt {attempt}: {error}; {next}",
                event.at
            );
        }
    }
    Ok(())
}
