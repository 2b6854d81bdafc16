//! Rolls a release out, region after region, and back where it is not healthy.

use std::time::Duration;

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Release {
    version: String,
    regions: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Health {
    Good,
    Degraded(f32),
    Down,
}

#[step(retries = 2, timeout = "15m")]
async fn deploy(region: &str, version: &str) -> Result<()> {
    let _ = (region, version);
    Ok(())
}

#[step]
async fn health(region: &str) -> Result<Health> {
    Ok(if region.is_empty() { Health::Down } else { Health::Good })
}

#[step(retries = 20, retry_delay = "5s", backoff = 1)]
async fn roll_back(region: &str) -> Result<()> {
    let _ = region;
    Ok(())
}

#[workflow]
pub async fn rollout(release: Release, soak: Duration, cx: &WorkflowContext) -> Result<Vec<String>> {
    let Release { version, regions } = &release;
    let Some((canary, rest)) = regions.split_first() else {
        return Err(Failure::terminal(format!("run {} has no regions", cx.run_id())));
    };
    deploy(canary, version).await?;
    sleep(soak).await?;
    if health(canary).await? != Health::Good {
        roll_back(canary).await?;
        return Ok(Vec::new());
    }
    approval("go-wide").prompt(format!("{version} looks good on {canary}")).await?;

    let mut done = vec![canary.clone()];
    for region in rest {
        deploy(region, version).timeout(soak * 10).await?;
        let verdict = health(region).await?;
        if let Health::Degraded(share) = verdict
            && share < 0.01
        {
            done.push(region.clone());
            continue;
        }
        if verdict != Health::Good {
            for region in done.iter().rev() {
                roll_back(region).await?;
            }
            return Ok(Vec::new());
        }
        done.push(region.clone());
    }
    Ok(done)
}

fn main() {
    assert_eq!(sagewai::graph(rollout).nodes.len(), 8);
}
