//! Starts that tests make from other processes.

use sagewai::prelude::*;
use sagewai::store::{AnyStore, OpenTransaction};
use sagewai::{Error, Workflow, WorkflowCall};
use tokio::task::JoinSet;

#[workflow(name = "narrow", queue_depth = 5)]
async fn narrow(n: u32) -> Result<u32> {
    Ok(n)
}

/// Starts so many at once; how many got in.
pub(crate) async fn narrow_at_once(store: &AnyStore, runs: u32) -> i32 {
    let client = Client::new(store);
    let mut starts = JoinSet::new();
    for n in 0..runs {
        let client = client.clone();
        starts.spawn(async move { narrow(n).start(&client).await });
    }
    let mut let_in = 0;
    for start in starts.join_all().await {
        match start {
            Ok(_) => let_in += 1,
            Err(Error::QueueFull { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let_in
}

/// Starts a run in a transaction, and waits for the end of this process.
pub(crate) async fn in_a_transaction<W: Workflow>(
    url: &str,
    call: WorkflowCall<W>,
    mark: fn(),
) -> Result<()> {
    if url.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(url).await?;
        stand_still_in(&mut pool.begin().await?, call, mark).await
    } else {
        let pool = sqlx::PgPool::connect(url).await?;
        stand_still_in(&mut pool.begin().await?, call, mark).await
    }
}

async fn stand_still_in<W: Workflow>(
    transaction: &mut impl OpenTransaction,
    call: WorkflowCall<W>,
    mark: fn(),
) -> Result<()> {
    call.start_in(transaction).await?;
    mark();
    std::future::pending().await
}
