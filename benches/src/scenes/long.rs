//! A run of many steps, one after the other; and one whose process is killed in the middle.

use std::time::Instant;

use sagewai::prelude::*;

use super::{Scale, float};
use crate::meter::{Meter, since};
use crate::open;
use crate::report::Row;
use crate::target::Target;
use crate::worker::Process;
use crate::workflows::{many_steps, payload};

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    Ok(vec![
        whole(target, scale).await?,
        resumed(target, scale).await?,
    ])
}

/// All of its steps in one process.
pub async fn whole(target: &Target, scale: &Scale) -> Result<Row> {
    let steps = scale.of(1_000);
    let place = target.place().await?;
    let store = open(&place).await?;
    let client = Client::new(&store);
    let meter = Meter::of(&place.url).await?;
    let worker = WorkflowWorker::builder(&store)
        .workflow(many_steps)
        .start()
        .await?;
    many_steps(50, payload(100))
        .start(&client)
        .await?
        .result()
        .await?;
    let (before, began) = (meter.read(&[]).await?, Instant::now());
    many_steps(steps, payload(100))
        .start(&client)
        .await?
        .result()
        .await?;
    let took = began.elapsed().as_secs_f64();
    let after = meter.read(&[]).await?;
    worker.shutdown().await?;
    Ok(Row::new(format!("one run of {steps} steps"), "step")
        .with("per_second", float(steps) / took)
        .spent(&since(&before, &after), float(steps)))
}

async fn resumed(target: &Target, scale: &Scale) -> Result<Row> {
    let (steps, at) = (scale.of(1_000), scale.of(900));
    let place = target.place().await?;
    let client = Client::new(open(&place).await?);
    let killed = format!("--stop-at={at}");
    let mut victim = Process::start(&place.url, &[&killed])?;
    victim.told("ready").await?;
    let run = many_steps(steps, payload(100)).start(&client).await?;
    victim.told("stopped").await?;
    victim.kill().await?;

    let tell = format!("--tell-from={}", at.saturating_sub(1));
    let mut heir = Process::start(&place.url, &[&tell])?;
    let spawned = heir.spawned_us;
    let begun: u64 = heir.told("begun").await?.parse()?;
    let told = heir.told("step").await?;
    run.result().await?;
    heir.end().await?;
    let mut words = told.split(' ');
    let (step, at_us): (u64, u64) = (
        words.next().unwrap_or_default().parse()?,
        words.next().unwrap_or_default().parse()?,
    );
    if step != at {
        return Err(format!("step {step} was executed again; it was killed in step {at}").into());
    }
    Ok(
        Row::new(format!("resumed at step {at} after kill -9"), "run")
            .with("p50_ms", float(at_us - spawned) / 1_000.0)
            .with("without_process_start_ms", float(at_us - begun) / 1_000.0),
    )
}
