//! The life of 3-step runs: callers that start a run, await its result, and start the next.

use std::time::{Duration, Instant};

use sagewai::prelude::*;

use super::Scale;
use crate::meter::{Meter, since};
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::workflows::{payload, three_steps};

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let (first, others) = scale.payloads.split_first().ok_or("--payload names none")?;
    for &callers in &scale.callers {
        rows.push(live(target, scale, callers, *first).await?);
    }
    for &bytes in others {
        rows.push(live(target, scale, 100, bytes).await?);
    }
    Ok(rows)
}

/// So many callers.
pub async fn live(target: &Target, scale: &Scale, callers: usize, bytes: usize) -> Result<Row> {
    let place = target.place().await?;
    let store = open(&place).await?;
    let client = Client::new(&store);
    let meter = Meter::of(&place.url).await?;
    let worker = WorkflowWorker::builder(&store)
        .workflow(three_steps)
        .concurrency(callers.max(10) * 2);
    let worker = worker.start().await?;

    let begin = Instant::now() + Duration::from_secs(1);
    let end = begin + Duration::from_secs_f64(scale.seconds);
    let text = payload(bytes);
    let calls: Vec<_> = (0..callers)
        .map(|_| tokio::spawn(call(client.clone(), text.clone(), begin, end)))
        .collect();
    tokio::time::sleep_until(begin.into()).await;
    let before = meter.read(&[]).await?;
    tokio::time::sleep_until(end.into()).await;
    let after = meter.read(&[]).await?;
    let mut took_us = Vec::new();
    for call in calls {
        took_us.extend(call.await??);
    }
    worker.shutdown().await?;
    let count = f64::from(u32::try_from(took_us.len())?);
    Ok(Row::new(
        format!("life of 3-step runs, {}, {callers} at once", size(bytes)),
        "run",
    )
    .with("per_second", count / scale.seconds)
    .spent(&since(&before, &after), count)
    .latencies(took_us))
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        _ => format!("{} KB", bytes / 1024),
    }
}

/// How long its runs took that were begun in the time that is measured.
async fn call(client: Client, payload: String, begin: Instant, end: Instant) -> Result<Vec<u32>> {
    let mut took_us = Vec::new();
    loop {
        let began = Instant::now();
        if began >= end {
            return Ok(took_us);
        }
        let run = three_steps(payload.clone()).start(&client).await?;
        run.result().await?;
        if began >= begin {
            took_us.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
}
