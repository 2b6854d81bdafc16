//! Two people approve, the second only above a limit.

use std::time::Duration;

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

const LIMIT_CENTS: u64 = 50_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Expense {
    who: String,
    what: String,
    cents: u64,
}

impl Expense {
    fn is_large(&self) -> bool {
        self.cents > LIMIT_CENTS
    }
}

#[step(retries = 5, retry_delay = "10s")]
async fn pay_out(expense: &Expense, approved_by: &[String]) -> Result<String> {
    Ok(format!("{} to {} by {}", expense.cents, expense.who, approved_by.join(", ")))
}

#[step]
async fn notify(who: &str, text: String) -> Result<()> {
    let _ = (who, text);
    Ok(())
}

#[workflow]
async fn expense_approval(expense: Expense) -> Result<Option<String>> {
    let mut approved_by = Vec::new();
    let levels: &[&str] = if expense.is_large() { &["manager", "finance"] } else { &["manager"] };
    for level in levels {
        let decision = approval(*level)
            .prompt(format!("Pay {} for {}?", expense.cents, expense.what))
            .context(&expense)
            .await;
        match decision {
            Ok(decision) => approved_by.push(decision.by),
            Err(Fault::Rejected { reason, reviewer, .. }) => {
                notify(&expense.who, format!("{reviewer} said no: {reason}")).await?;
                return Ok(None);
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    // A day in which it can be called off elsewhere.
    sleep(Duration::from_secs(24 * 60 * 60)).await?;
    let receipt = pay_out(&expense, &approved_by).await?;
    notify(&expense.who, format!("paid: {receipt}")).await?;
    Ok(Some(receipt))
}

fn main() {
    assert_eq!(sagewai::graph(expense_approval).nodes.len(), 5);
}
