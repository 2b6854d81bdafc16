//! A binary as users write it, by `sagewai::cli`: what the tests of the command line run.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use sagewai::cli::App;
use sagewai::prelude::*;
use sagewai::{InferenceParams, Secret, WorkerCredentials, worker_credentials};

#[step]
async fn compose(name: &str, times: u32) -> Result<String> {
    Ok(vec![format!("hello {name}"); times as usize].join(", "))
}

/// Greets.
#[workflow]
async fn greet(name: String, times: Option<u32>) -> Result<String> {
    compose(&name, times.unwrap_or(1)).await
}

#[step]
async fn complain(reason: &str) -> Result<()> {
    Err(Failure::terminal(std::io::Error::other(reason.to_owned())))
}

#[workflow]
async fn fail(reason: String) -> Result<()> {
    complain(&reason).await
}

#[workflow]
async fn ask() -> Result<String> {
    let decision = approval("go").await?;
    Ok(decision.by)
}

#[step]
async fn stand_until(begun: &str, path: &str) -> Result<()> {
    std::fs::write(begun, "")?;
    while !Path::new(path).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Stands in a step until a file is there.
#[workflow]
async fn stand(begun: String, path: String) -> Result<()> {
    stand_until(&begun, &path).await
}

/// The key, as it would go to a provider.
#[step(retries = 1, retry_delay = 0.01)]
async fn call_model(fail: bool) -> Result<usize> {
    let credentials = worker_credentials();
    tracing::info!(?credentials, "calling");
    let key = credentials
        .as_ref()
        .and_then(|credentials| credentials.inference().get_api_key());
    if fail {
        return Err(std::io::Error::other(format!("no luck with {credentials:?}, {key:?}")).into());
    }
    Ok(key.map_or(0, |key| key.expose().len()))
}

/// Needs the worker's credentials.
#[workflow]
async fn ask_model(fail: bool) -> Result<usize> {
    call_model(fail).await
}

/// A secret in every field that takes a text.
fn credentials(secret: &str) -> Result<WorkerCredentials> {
    let params = InferenceParams::new()
        .api_base(format!("https://{secret}/v1"))?
        .api_key(secret)?
        .header("x-key", secret)?
        .extra("user", secret)?;
    let credentials = WorkerCredentials::new()
        .model_override("default", format!("compat/{secret}"))?
        .env_override("TOKEN", Secret::from(secret))?;
    Ok(credentials.inference_overrides(params))
}

#[tokio::main]
async fn main() -> ExitCode {
    let app = App::new("demo")
        .version("1.2.3")
        .about("Greets, and waits")
        .workflow(greet)
        .workflow(fail)
        .workflow(ask)
        .workflow(stand)
        .workflow(ask_model)
        .worker(|worker, _| match std::env::var("DEMO_SECRET") {
            Ok(secret) => Ok(worker.credentials(credentials(&secret)?)),
            Err(_) => Ok(worker),
        });
    sagewai::cli::run(app).await
}
