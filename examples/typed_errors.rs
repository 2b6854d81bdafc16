//! A step's own error type survives the store: the workflow branches on it, also after a replay, and the caller gets it
//! back typed.

use sagewai::prelude::*;
use sagewai::{Classify, StepError};
use serde::{Deserialize, Serialize};

/// How a charge fails.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
enum ChargeError {
    /// The bank says no, and would again.
    #[error("card declined: {reason}")]
    Declined { reason: String },
    /// The bank does not answer.
    #[error("the bank does not answer")]
    Unreachable,
    /// What the engine itself reports: timeouts, panics.
    #[error(transparent)]
    Engine(#[from] Fault),
}

/// Which of them are worth another attempt.
impl Classify for ChargeError {
    fn is_terminal(&self) -> bool {
        matches!(self, ChargeError::Declined { .. })
    }
}

#[step(retries = 3, retry_delay = 0.05, timeout = 5)]
async fn charge(ctx: &StepContext, card: &str, cents: u32) -> Result<String, ChargeError> {
    match card {
        "4000" => Err(ChargeError::Declined {
            reason: "insufficient funds".into(),
        }),
        _ if ctx.attempt() == 1 => Err(ChargeError::Unreachable),
        _ => Ok(format!("receipt for {cents} cents on {card}")),
    }
}

/// Charges the card, and a second one where the first is declined.
#[workflow]
async fn checkout(card: String, backup: Option<String>, cents: u32) -> Result<String, ChargeError> {
    match charge(&card, cents).await {
        Err(ChargeError::Declined { .. }) if backup.is_some() => {
            let backup = backup.unwrap_or_default();
            charge(&backup, cents).named("charge-backup").await
        }
        other => other,
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = sagewai::store::open("memory:").await?;
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .workflow(checkout)
        .start()
        .await?;

    let paid = checkout("4000".into(), Some("4242".into()), 990)
        .start(&client)
        .await?;
    println!("{}", paid.result().await?);

    let declined = checkout("4000".into(), None, 990).start(&client).await?;
    match declined.outcome().await? {
        Err(ChargeError::Declined { reason }) => println!("declined: {reason}"),
        other => println!(
            "unexpected: {:?}",
            other.map_err(|e| StepError::message(&e))
        ),
    }
    worker.shutdown().await?;
    Ok(())
}
