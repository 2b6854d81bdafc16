//! `worker`.

use tokio::net::TcpListener;

use crate::cli::app::App;
use crate::cli::exit::Failed;
use crate::cli::health;
use crate::cli::parse::Worker;
use crate::cli::resolve::Settings;
use crate::worker::WorkflowWorker;

pub(super) async fn call(app: &App, settings: &Settings, typed: &Worker) -> Result<(), Failed> {
    let wanted = settings.worker(typed)?;
    // Bound before anything is claimed, so that an address in use is found by whoever starts it.
    let probes = match wanted.health {
        None => None,
        Some(address) => Some(TcpListener::bind(address).await.map_err(|error| {
            Failed::usage(format!("probes cannot be answered at {address}: {error}"))
        })?),
    };
    let store = settings.open().await?;
    let worker = wanted.apply(WorkflowWorker::builder(&store));
    let worker = app.set_up(worker, &wanted)?.start().await?;
    let served = probes.map(|listener| health::serve(listener, worker.health()));
    let ended = worker.until_signal().await;
    // It answers until the worker has ended.
    drop(served);
    Ok(ended?)
}
