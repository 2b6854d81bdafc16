use std::time::Duration;

use sagewai::prelude::*;
use sagewai::Fault;

#[workflow]
async fn waits(n: u32) -> Result<String> {
    let at = now().await;
    let id = uuid().await;
    let home = record("home", || std::env::var("HOME").unwrap_or_default()).await;
    let dice = sagewai::record::<u32, _>("dice", || 4).await;
    sleep(Duration::from_secs(u64::from(n))).await?;
    sagewai::sleep_until(at).await?;
    let decision = approval("review").prompt(format!("{home} {dice}?")).context(&n).await?;
    match approval("legal").await {
        Ok(second) => Ok(format!("{id} {} {}", decision.by, second.by)),
        Err(Fault::Rejected { reason, .. }) => Ok(reason),
        Err(other) => Err(other.into()),
    }
}

fn main() {
    let _ = waits(1);
}
