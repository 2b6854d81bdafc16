//! Submitting runs that nobody serves yet.

use std::time::Instant;

use sagewai::prelude::*;

use super::{Scale, float};
use crate::meter::{Meter, since};
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::workflows::{one_step, payload};

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    let place = target.place().await?;
    let client = Client::new(open(&place).await?);
    let meter = Meter::of(&place.url).await?;
    let text = payload(100);
    // The connections, and the row of the queue.
    one_step(text.clone()).start(&client).await?;

    let one_by_one = scale.of(2_000);
    let (before, began) = (meter.read(&[]).await?, Instant::now());
    let mut took_us = Vec::new();
    for _ in 0..one_by_one {
        let began = Instant::now();
        one_step(text.clone()).start(&client).await?;
        took_us.push(u32::try_from(began.elapsed().as_micros())?);
    }
    let took = began.elapsed().as_secs_f64();
    let alone = Row::new("start one by one", "run")
        .with("per_second", float(one_by_one) / took)
        .spent(&since(&before, &meter.read(&[]).await?), float(one_by_one))
        .latencies(took_us);

    let at_once = scale.of(50_000);
    let (before, began) = (meter.read(&[]).await?, Instant::now());
    client
        .start_many((0..at_once).map(|_| one_step(text.clone())))
        .await?;
    let took = began.elapsed().as_secs_f64();
    let together = Row::new(format!("start_many of {at_once}"), "run")
        .with("per_second", float(at_once) / took)
        .spent(&since(&before, &meter.read(&[]).await?), float(at_once));
    Ok(vec![alone, together])
}
