//! The same work on DBOS's own library for Rust.

use std::sync::{Arc, OnceLock};

use dbos::{
    Client, ClientConfig, Config, DBOS, EngineOnly, EnqueueOptions, QueueConflict, QueueOptions, WorkflowHandle, step,
};
use driver::{AT_ONCE, CONNECTIONS, POLL, Work};
use serde_json::Value;

static WORK: OnceLock<Work> = OnceLock::new();

async fn payload() -> dbos::Result<Value> {
    Ok(WORK.get().expect("it is set first").payload())
}

async fn three_steps(_n: u64) -> dbos::Result<Value> {
    let _: Value = step("first", payload).await?;
    let _: Value = step("second", payload).await?;
    step("third", payload).await
}

async fn one_step(_n: u64) -> dbos::Result<Value> {
    let body = || async {
        driver::executed();
        payload().await
    };
    step("only", body).await
}

async fn many_steps(steps: u64) -> dbos::Result<u64> {
    for _ in 0..steps {
        let _: Value = step("nth", payload).await?;
    }
    Ok(steps)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let work = WORK.get_or_init(Work::from_args);
    let mut config = Config::new("bench", work.url.clone());
    config.app_version = Some("v1".into());
    config.max_connections = CONNECTIONS;
    let engine = DBOS::new(config);
    let three = Arc::new(engine.register_workflow("three_steps", three_steps)?);
    let _one = engine.register_workflow("one_step", one_step)?;
    let many = engine.register_workflow("many_steps", many_steps)?;
    let queue = || QueueOptions {
        worker_concurrency: Some(AT_ONCE as i32),
        polling_interval: POLL,
        ..QueueOptions::default()
    };
    match work.name.as_str() {
        "life" => {
            engine.launch().await?;
            driver::life(work, move |n| {
                let three = three.clone();
                async move {
                    three.run(n).await.expect("it completes");
                }
            })
            .await;
        }
        "long" => {
            engine.launch().await?;
            let many = &many;
            driver::long(work, |steps| async move {
                many.run(steps).await.expect("it completes");
            })
            .await;
        }
        "enqueue" => {
            engine.launch().await?;
            engine.register_queue("q", queue(), QueueConflict::UpdateIfLatestVersion).await?;
            engine.shutdown().await;
            let config = ClientConfig {
                app_name: Some("bench".into()),
                ..ClientConfig::new(work.url.clone())
            };
            let client = Arc::new(Client::connect(config).await?);
            driver::enqueue(work, move || {
                let client = client.clone();
                async move {
                    let options = EnqueueOptions {
                        app_version: Some("v1"),
                        ..EnqueueOptions::new("q")
                    };
                    let _: WorkflowHandle<Value, EngineOnly> =
                        client.enqueue_with("one_step", 0_u64, options).await.expect("it is stored");
                }
            })
            .await;
        }
        "drain" => {
            driver::drain(work, async {
                engine.launch().await.expect("it starts");
                let registered = engine.register_queue("q", queue(), QueueConflict::UpdateIfLatestVersion);
                registered.await.expect("the queue is there");
            })
            .await;
        }
        other => return Err(format!("no work named {other}").into()),
    }
    std::process::exit(0);
}
