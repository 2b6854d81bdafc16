//! Typed errors all the way, with a `Result` alias of its own.

use sagewai::Fault;
use sagewai::{StepContext, approval, step, workflow};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub enum ClaimError {
    #[error("policy {0} does not exist")]
    NoPolicy(String),
    #[error("fraud score {0}")]
    Fraud(u8),
    #[error(transparent)]
    Engine(#[from] Fault),
}

type Result<T, E = ClaimError> = std::result::Result<T, E>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Claim {
    policy: String,
    cents: u64,
    photos: Vec<String>,
}

#[step]
async fn policy(number: &str) -> Result<u64> {
    number.parse().map_err(|_| ClaimError::NoPolicy(number.to_owned()))
}

#[step(timeout = "1h 30m", retries = 1)]
async fn fraud_score(claim: &Claim, ctx: StepContext) -> Result<u8> {
    Ok((claim.cents % 100) as u8 + ctx.attempt() as u8)
}

#[step]
async fn settle(claim: Claim, covered: u64) -> Result<u64> {
    Ok(claim.cents.min(covered))
}

#[workflow(name = "insurance-claim")]
async fn settle_claim(claim: Claim) -> Result<u64> {
    let covered = policy(&claim.policy).await?;
    let score = fraud_score(&claim).await?;
    let checked: Result<u8> = match score {
        0..=20 => Ok(score),
        21..=70 => {
            let decision = approval("adjuster").context(&claim).await?;
            decision.reason.map_or(Ok(score), |_| Err(ClaimError::Fraud(score)))
        }
        _ => Err(ClaimError::Fraud(score)),
    };
    checked?;
    settle(claim, covered).await
}

fn main() {
    assert_eq!(sagewai::graph(settle_claim).nodes.len(), 4);
}
