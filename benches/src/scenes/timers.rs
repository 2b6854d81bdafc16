//! Many timers that are due at the same moment.

use std::time::{Duration, Instant};

use sagewai::prelude::*;

use super::{Scale, float};
use crate::meter::{Meter, since};
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::worker::Process;
use crate::workflows::{one_step, payload};

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    let runs = scale.of(100_000);
    let place = target.place().await?;
    let client = Client::new(open(&place).await?);
    let meter = Meter::of(&place.url).await?;
    // Long enough that all are there.
    let due = Instant::now() + Duration::from_millis(2_000 + runs / 3);
    let text = payload(100);
    let call = |_| one_step(text.clone()).delay(due - Instant::now());
    let mut left = runs;
    while left > 0 {
        let now = left.min(5_000);
        client.start_many((0..now).map(call)).await?;
        left -= now;
    }
    let mut worker = Process::start(&place.url, &["--concurrency", "500"])?;
    worker.told("ready").await?;
    if Instant::now() >= due {
        return Err("the timers were due before all of them were there".into());
    }
    let before = meter.read(&[worker.pid()]).await?;
    tokio::time::sleep_until(due.into()).await;
    while worker.told("bodies").await?.parse::<u64>()? < runs {}
    let took = due.elapsed().as_secs_f64();
    let spent = since(&before, &meter.read(&[worker.pid()]).await?);
    worker.end().await?;
    Ok(vec![
        Row::new(format!("{runs} timers due at once, 1-step runs"), "run")
            .with("per_second", float(runs) / took)
            .with("seconds", took)
            .spent(&spent, float(runs)),
    ])
}
