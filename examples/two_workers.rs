//! Two workers with different labels share a queue: a run goes to a worker that has what the run asks for, and what
//! fits both is shared.

use std::time::Duration;

use sagewai::prelude::*;

#[step]
async fn render(ctx: &StepContext, frame: u32) -> Result<String> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(format!("frame {frame} of {}", ctx.run_id()))
}

/// Renders three frames.
#[workflow]
async fn film(title: String) -> Result<String> {
    let mut frames = Vec::new();
    for frame in 1..=3 {
        frames.push(render(frame).await?);
    }
    Ok(format!("{title}: {}", frames.join(", ")))
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = sagewai::store::open("sqlite://two_workers.db").await?;
    let client = Client::new(&store);
    let plain = WorkflowWorker::builder(&store)
        .name("plain")
        .workflow(film)
        .concurrency(2)
        .start()
        .await?;
    let gpu = WorkflowWorker::builder(&store)
        .name("gpu")
        .label("gpu", true)
        .workflow(film)
        .concurrency(2)
        .start()
        .await?;

    let mut runs = Vec::new();
    for n in 0..8 {
        let call = film(format!("film {n}"));
        let call = if n % 2 == 0 {
            call.label("gpu", true)
        } else {
            call
        };
        runs.push(call.start(&client).await?);
    }
    for run in &runs {
        let result = run.result().await?;
        let status = run.status().await?;
        println!("[{}] {result}", status.worker.unwrap_or_default());
    }
    plain.shutdown().await?;
    gpu.shutdown().await?;
    Ok(())
}
