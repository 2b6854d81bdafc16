//! Claims from queues of all sizes, by a worker that lacks what most of the queued runs ask for.

use std::time::{Duration, Instant};

use sagewai::model::{Labels, NewWorker, Serves, WorkerKey};
use sagewai::prelude::*;
use sagewai::store::AnyStore;

use super::{Scale, float};
use crate::meter::{Meter, since};
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::workflows::{one_step, payload};

/// How many runs one claim takes.
const BATCH: u32 = 100;

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    let place = target.place().await?;
    let store = open(&place).await?;
    let client = Client::new(&store);
    let sizes: &[u64] = if scale.quick {
        &[1_000, 10_000]
    } else {
        &[1_000, 10_000, 100_000, 1_000_000]
    };
    let mut queued = 0;
    let mut rows = Vec::new();
    for &size in sizes {
        // The foreign ones stand in front.
        let foreign = (size * 99 / 100).saturating_sub(queued);
        fill(&client, foreign, true).await?;
        queued += foreign;
        rows.push(claim(&store, &client, &place.url, size).await?);
    }
    Ok(rows)
}

async fn fill(client: &Client, runs: u64, foreign: bool) -> Result<()> {
    let text = payload(100);
    let mut left = runs;
    while left > 0 {
        let now = left.min(20_000);
        let call = |_| {
            let call = one_step(text.clone());
            if foreign {
                call.label("gpu", true)
            } else {
                call
            }
        };
        client.start_many((0..now).map(call)).await?;
        left -= now;
    }
    Ok(())
}

async fn claim(store: &AnyStore, client: &Client, url: &str, size: u64) -> Result<Row> {
    const CLAIMS: u64 = 30;
    let ours = CLAIMS * u64::from(BATCH);
    fill(client, ours + u64::from(BATCH), false).await?;
    let worker = NewWorker {
        key: WorkerKey::generate(),
        name: "bench".to_owned(),
        pool: "default".to_owned(),
        labels: Labels::new(),
        slots: 100,
        lease: Duration::from_hours(1),
        host: String::new(),
        exclusive: false,
        program: sagewai::Program::default(),
    };
    store.register(&worker).await?;
    let serves = Serves {
        workflows: vec!["one_step".into()],
        limited: Vec::new(),
        pool: "default".to_owned(),
        labels: Labels::new(),
    };
    let meter = Meter::of(url).await?;
    // The statement is prepared, the pages are read.
    store.claim(worker.key, &serves, BATCH).await?;
    let before = meter.read(&[]).await?;
    let mut took_us = Vec::new();
    for _ in 0..CLAIMS {
        let began = Instant::now();
        let claimed = store.claim(worker.key, &serves, BATCH).await?;
        took_us.push(u32::try_from(began.elapsed().as_micros())?);
        if claimed.len() != BATCH as usize {
            return Err(format!("a claim got {} runs of {BATCH}", claimed.len()).into());
        }
    }
    let spent = since(&before, &meter.read(&[]).await?);
    let total: u64 = took_us.iter().map(|us| u64::from(*us)).sum();
    Ok(Row::new(
        format!("claims of {BATCH}, {size} queued, 99 % of them foreign"),
        "claimed run",
    )
    .with("per_second", float(ours) * 1e6 / float(total))
    .spent(&spent, float(ours))
    .latencies(took_us))
}
