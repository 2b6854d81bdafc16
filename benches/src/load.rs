//! The load: callers that start a run, await its result, and start the next.

use std::time::{Duration, Instant};

use sagewai::prelude::*;

use crate::meter::{Cost, Meter};

#[step]
async fn first(payload: String) -> Result<String> {
    Ok(payload)
}

#[step]
async fn second(payload: String) -> Result<String> {
    Ok(payload)
}

#[step]
async fn third(payload: String) -> Result<String> {
    Ok(payload)
}

/// Three steps that do nothing: what is left is the cost of the library.
#[workflow]
pub async fn life(payload: String) -> Result<String> {
    let payload = first(payload).await?;
    let payload = second(payload).await?;
    third(payload).await
}

/// The runs that were begun within the time that was measured.
#[derive(Debug)]
pub struct Runs {
    pub count: f64,
    pub seconds: f64,
    sorted_us: Vec<u32>,
}

impl Runs {
    /// The latency, in milliseconds, that this part of the runs did not exceed.
    pub fn percentile(&self, part: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list"
        )]
        let place = (self.count * part) as usize;
        let last = self.sorted_us.len().saturating_sub(1);
        self.sorted_us
            .get(place.min(last))
            .map_or(0.0, |us| f64::from(*us) / 1_000.0)
    }
}

/// Runs the load for a second, and then for `length`, which is what is measured.
pub async fn run(
    client: &Client,
    meter: &Meter,
    callers: usize,
    payload: usize,
    length: Duration,
) -> Result<(Runs, Cost)> {
    let begin = Instant::now() + Duration::from_secs(1);
    let end = begin + length;
    let payload = "x".repeat(payload.saturating_sub(2));
    let calls: Vec<_> = (0..callers)
        .map(|_| tokio::spawn(call(client.clone(), payload.clone(), begin, end)))
        .collect();
    tokio::time::sleep_until(begin.into()).await;
    let before = meter.read().await?;
    tokio::time::sleep_until(end.into()).await;
    let after = meter.read().await?;
    let mut sorted_us = Vec::new();
    for call in calls {
        sorted_us.extend(call.await??);
    }
    sorted_us.sort_unstable();
    let runs = Runs {
        count: u32::try_from(sorted_us.len()).map_or(f64::MAX, f64::from),
        seconds: length.as_secs_f64(),
        sorted_us,
    };
    Ok((runs, after.since(&before)))
}

async fn call(client: Client, payload: String, begin: Instant, end: Instant) -> Result<Vec<u32>> {
    let mut took_us = Vec::new();
    loop {
        let began = Instant::now();
        if began >= end {
            return Ok(took_us);
        }
        let run = life(payload.clone()).start(&client).await?;
        run.result().await?;
        if began >= begin {
            took_us.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
}
