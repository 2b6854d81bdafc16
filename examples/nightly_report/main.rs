//! A report each night at two, by the clock of Berlin, for which each shop reports in a run of its own: the schedule is put when the worker starts, any worker on the
//! store fires it, and the nights before can be made up for. Run it twice: the second time the reports are there.

use std::time::{Duration, SystemTime};

use sagewai::prelude::*;
use sagewai::{CatchUp, Overlap, Schedule};

#[step(retries = 3)]
async fn collect(shop: &str) -> Result<u32> {
    Ok(u32::try_from(shop.len())? * 100)
}

#[step]
async fn write_down(ctx: &StepContext, region: &str, sold: u32) -> Result<String> {
    Ok(format!("{}: {sold} sold in {region}", ctx.run_id()))
}

/// The sales of one shop: a run of its own, with its own retries and timeline.
#[workflow]
async fn shop_report(shop: String) -> Result<u32> {
    collect(&shop).await
}

/// Has each shop of a region report, and adds up.
#[workflow]
async fn report(region: String) -> Result<String> {
    let shops = ["harbour", "station", "market"].map(|shop| format!("{region}/{shop}"));
    let sold = try_map(shops, shop_report).await?;
    write_down(&region, sold.iter().sum()).await
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = sagewai::store::open("sqlite://nightly_report.db").await?;
    let client = Client::new(&store);
    let nightly = Schedule::cron("nightly-report", "0 2 * * *")
        .time_zone("Europe/Berlin")
        // A report that takes longer than a day is not joined by another.
        .overlap(Overlap::Skip)
        // After an outage of a week there is one report, and not seven.
        .catch_up(CatchUp::Latest)
        .jitter(Duration::from_mins(5))
        .runs(report("eu".into()));
    let worker = WorkflowWorker::builder(&store)
        .workflow(report)
        .workflow(shop_report)
        .schedule(nightly)
        .start()
        .await?;

    let schedules = client.schedules();
    let now = SystemTime::now();
    println!("the next reports come in");
    for firing in schedules.upcoming("nightly-report", 3).await? {
        let hours = firing.duration_since(now)?.as_secs() / 3600;
        println!("  {hours} hours");
    }

    let three_days_ago = now - Duration::from_hours(72);
    let past = schedules
        .backfill("nightly-report", three_days_ago, now)
        .await?;
    println!(
        "of the last three nights, {} are new and {} were there",
        past.started.len(),
        past.there.len()
    );
    let asked = schedules
        .run_now("nightly-report", "editor@acme.com")
        .await?;
    for run in past.started.iter().chain(&past.there).chain([&asked]) {
        println!("  {}", client.handle::<report>(run).await?.result().await?);
    }
    worker.shutdown().await?;
    Ok(())
}
