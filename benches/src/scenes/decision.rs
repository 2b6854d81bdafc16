//! How soon a run that waits for a person goes on, from when they are asked to decide to the body of the next step.

use std::time::Duration;

use sagewai::RunState;
use sagewai::prelude::*;

use super::Scale;
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::worker::Process;
use crate::workflows::{decided, now_us};

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    let place = target.place().await?;
    let client = Client::new(open(&place).await?);
    let mut worker = Process::start(&place.url, &[])?;
    worker.told("ready").await?;
    let elsewhere = decide(&client, scale.of(300)).await?;
    worker.end().await?;

    let place = target.place().await?;
    let store = open(&place).await?;
    let worker = WorkflowWorker::builder(&store)
        .workflow(decided)
        .start()
        .await?;
    let here = decide(&Client::new(&store), scale.of(300)).await?;
    worker.shutdown().await?;
    Ok(vec![
        Row::new("decision to the next step, in a worker process", "decision").latencies(elsewhere),
        Row::new("the same, in this process", "decision").latencies(here),
    ])
}

/// Lets so many runs wait, one after the other, and decides. The first ones open connections, and do not count.
async fn decide(client: &Client, decisions: u64) -> Result<Vec<u32>> {
    let mut took_us = Vec::new();
    for n in 0..decisions + 5 {
        let run = decided().start(client).await?;
        while run.status().await?.run.state != RunState::Waiting {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let asked_us = now_us();
        client.gate(run.id().as_str(), "go").approve("ann").await?;
        let went_on_us = run.result().await?;
        if n >= 5 {
            took_us.push(u32::try_from(went_on_us.saturating_sub(asked_us))?);
        }
    }
    Ok(took_us)
}
