//! The same work on durare.

use std::sync::{Arc, OnceLock};

use driver::{AT_ONCE, CONNECTIONS, POLL, Work};
use durare::{
    Client, DurableContext, DurableEngine, PostgresProvider, Result, StateProvider, WorkflowHandle, WorkflowOptions,
    WorkflowQueue,
};
use serde_json::Value;

static WORK: OnceLock<Work> = OnceLock::new();

async fn payload() -> Result<Value> {
    Ok(WORK.get().expect("it is set first").payload())
}

async fn three_steps(ctx: DurableContext, _n: u64) -> Result<Value> {
    ctx.step("first", payload).await?;
    ctx.step("second", payload).await?;
    ctx.step("third", payload).await
}

async fn one_step(ctx: DurableContext, _n: u64) -> Result<Value> {
    let body = || async {
        driver::executed();
        payload().await
    };
    ctx.step("only", body).await
}

async fn many_steps(ctx: DurableContext, steps: u64) -> Result<u64> {
    for _ in 0..steps {
        ctx.step("nth", payload).await?;
    }
    Ok(steps)
}

async fn provider(url: &str) -> Result<Arc<dyn StateProvider>> {
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(CONNECTIONS);
    let pool = pool.connect(url).await.expect("the server answers");
    Ok(Arc::new(PostgresProvider::from_pool_with_schema(pool, "dbos")?))
}

#[tokio::main]
async fn main() -> Result<()> {
    let work = WORK.get_or_init(Work::from_args);
    let mut builder = DurableEngine::builder(provider(&work.url).await?);
    builder.register("three_steps", three_steps);
    builder.register("one_step", one_step);
    builder.register("many_steps", many_steps);
    builder.app_version("v1");
    if work.name == "drain" {
        let queue = WorkflowQueue::new("q").worker_concurrency(AT_ONCE);
        builder.register_queue(queue.base_polling_interval(POLL));
    }
    let engine = Arc::new(builder.build().await?);
    match work.name.as_str() {
        "life" => {
            driver::life(work, move |n| {
                let engine = engine.clone();
                async move {
                    let started = engine.start("three_steps", n, WorkflowOptions::default()).await;
                    let run: WorkflowHandle<Value> = started.expect("it starts");
                    run.result().await.expect("it completes");
                }
            })
            .await;
        }
        "long" => {
            driver::long(work, |steps| {
                let engine = engine.clone();
                async move {
                    let started = engine.start("many_steps", steps, WorkflowOptions::default()).await;
                    let run: WorkflowHandle<u64> = started.expect("it starts");
                    run.result().await.expect("it completes");
                }
            })
            .await;
        }
        "enqueue" => {
            let client = Arc::new(Client::new(provider(&work.url).await?).with_app_version("v1"));
            driver::enqueue(work, move || {
                let client = client.clone();
                async move {
                    let _: WorkflowHandle<Value> = client
                        .enqueue("q", "one_step", 0_u64, WorkflowOptions::default())
                        .await
                        .expect("it is stored");
                }
            })
            .await;
        }
        "drain" => {
            driver::drain(work, async {
                engine.launch().await.expect("it starts");
            })
            .await;
        }
        other => panic!("no work named {other}"),
    }
    std::process::exit(0);
}
