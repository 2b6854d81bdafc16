//! A queue that is there before its workers.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{RunFilter, RunState};

use super::{Scale, float};
use crate::meter::{Meter, since};
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::worker::Process;
use crate::workflows::{now_us, one_step, payload};

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    Ok(vec![
        drain(target, scale, 1).await?,
        drain(target, scale, 2).await?,
    ])
}

/// By so many processes.
pub async fn drain(target: &Target, scale: &Scale, processes: usize) -> Result<Row> {
    let runs = scale.of(20_000);
    let place = target.place().await?;
    let client = Client::new(open(&place).await?);
    let meter = Meter::of(&place.url).await?;
    let text = payload(100);
    client
        .start_many((0..runs).map(|_| one_step(text.clone())))
        .await?;

    // What it costs to start the processes counts, the time does not.
    let before = meter.read(&[]).await?;
    let mut workers = Vec::new();
    for _ in 0..processes {
        workers.push(Process::start(&place.url, &["--concurrency", "200"])?);
    }
    let mut began = 0;
    for worker in &mut workers {
        worker.told("ready").await?;
        began = if began == 0 { now_us() } else { began };
    }
    let pids: Vec<u32> = workers.iter().map(Process::pid).collect();
    let mut executed = vec![0; processes];
    while executed.iter().sum::<u64>() < runs {
        for (n, worker) in workers.iter_mut().enumerate() {
            // The one that has told less may have nothing left.
            let told = tokio::time::timeout(Duration::from_millis(10), worker.told("bodies"));
            if let Ok(told) = told.await {
                executed[n] = told?.parse()?;
            }
        }
    }
    let ended = now_us();
    let after = meter.read(&pids).await?;
    for worker in workers {
        worker.end().await?;
    }
    let left = client
        .runs(&RunFilter::new().state(RunState::Pending))
        .await?;
    if !left.is_empty() {
        return Err(format!("{} runs are left in the queue", left.len()).into());
    }
    Ok(Row::new(
        format!("drain of 1-step runs, {processes} worker process(es)"),
        "run",
    )
    .with("per_second", float(runs) * 1e6 / float(ended - began))
    .spent(&since(&before, &after), float(runs)))
}
