//! Runs that wait for a person, and workers that have nothing to do.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{RunFilter, RunState};

use super::{Scale, float};
use crate::meter::{Meter, memory_kb, since};
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::worker::Process;
use crate::workflows::asking;

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    const RUNS: u64 = 1_000;
    let place = target.place().await?;
    let client = Client::new(open(&place).await?);
    let mut workers = Process::start(&place.url, &["--workers", "10"])?;
    workers.told("ready").await?;
    // As many once, so that connections and buffers are there.
    park(&client, RUNS).await?;
    let empty = memory_kb(workers.pid()).unwrap_or_default();
    park(&client, RUNS).await?;
    let parked = memory_kb(workers.pid()).unwrap_or_default();

    // Whatever was noticed is over.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let meter = Meter::of(&place.url).await?;
    let pids = [workers.pid()];
    let seconds = if scale.quick { 10 } else { 60 };
    let before = meter.read(&pids).await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let after = meter.read(&pids).await?;
    workers.end().await?;
    Ok(vec![
        Row::new("idle: 2,000 runs wait, 10 workers", "second")
            .spent(&since(&before, &after), float(seconds))
            .with("kb_per_parked_run", (parked - empty) / float(RUNS)),
    ])
}

/// Starts so many runs, and waits until they wait.
async fn park(client: &Client, runs: u64) -> Result<()> {
    let runs = client.start_many((0..runs).map(|_| asking())).await?;
    loop {
        let filter = RunFilter::new().state(RunState::Waiting).limit(10_000);
        let waiting = client.runs(&filter).await?;
        let ours = |run: &&sagewai::RunHandle<asking>| waiting.iter().any(|w| w.id == *run.id());
        if runs.iter().rev().take(50).filter(ours).count() == 50.min(runs.len())
            && waiting.len() % runs.len() == 0
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
