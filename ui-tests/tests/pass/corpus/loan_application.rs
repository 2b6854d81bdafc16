//! Nested decisions, early returns in closures, `let else`, tuples, shadowing.

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Application {
    name: String,
    income: u64,
    wanted: u64,
    timestamp: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Granted { rate: u32 },
    Refused(String),
}

#[step]
async fn credit_score(name: &str) -> Result<Option<u32>> {
    Ok((!name.is_empty()).then_some(700))
}

#[step]
async fn offer(wanted: u64, rate: u32) -> Result<bool> {
    Ok(wanted > u64::from(rate))
}

#[workflow]
async fn loan(application: Application) -> Result<Outcome> {
    let ratio = |income: u64| -> Option<u64> {
        if income == 0 {
            return None;
        }
        Some(application.wanted / income)
    };
    let Some(ratio) = ratio(application.income) else {
        return Ok(Outcome::Refused("no income".into()));
    };
    let score = credit_score(&application.name).await?;
    let (rate, risky) = match (score, ratio) {
        (None, _) => return Ok(Outcome::Refused("unknown".into())),
        (Some(score), 0..=3) if score > 650 => (3, false),
        (Some(score), ratio) => {
            let rate = if score > 500 { 5 } else { 9 };
            (rate + ratio as u32, true)
        }
    };
    let rate = if risky {
        match approval("risk").context(&application).await {
            Ok(decision) if decision.by == "chief" => rate - 1,
            Ok(_) => rate,
            Err(Fault::Rejected { reason, .. }) => return Ok(Outcome::Refused(reason)),
            Err(other) => return Err(other.into()),
        }
    } else {
        rate
    };
    let accepted = offer(application.wanted, rate).retries(3).await?;
    Ok(if accepted { Outcome::Granted { rate } } else { Outcome::Refused("declined".into()) })
}

fn main() {
    assert_eq!(sagewai::graph(loan).nodes.len(), 3);
}
