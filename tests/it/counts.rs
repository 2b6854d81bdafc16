//! What runs cost a database, in transactions: counts, not times, so that a regression fails on any machine.

use std::sync::Arc;

use sagewai::prelude::*;
use sagewai::store::AnyStore;
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use crate::support::postgres::{Cluster, Database};
use crate::support::{soon, until};

const RUNS: i64 = 200;
const AT_ONCE: usize = 50;

#[step]
async fn add_one(n: i64) -> Result<i64> {
    Ok(n + 1)
}

#[workflow]
async fn three_steps(n: i64) -> Result<i64> {
    let n = add_one(n).await?;
    let n = add_one(n).await?;
    add_one(n).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_at_once_share_their_transactions() {
    let cluster = Cluster::start();
    let database = cluster.database().await;
    let store = AnyStore::new(database.store().await);
    store.initialize().await.unwrap();
    drop(store);
    let mut connection = database.connect().await;
    let before = Spent::read(&mut connection).await;

    run_all(&database).await;

    let after = Spent::read(&mut connection).await;
    let writes = after.writes - before.writes;
    // Start, three steps, end and a claim each, were they alone.
    assert!(
        writes <= RUNS,
        "{RUNS} runs took {writes} transactions that write"
    );
    // All of our statements on this path are transactions of their own. One a run reads its result.
    let all = after.all - before.all;
    assert!(all <= 3 * RUNS, "{RUNS} runs took {all} transactions");
    let wal = after.wal_bytes - before.wal_bytes;
    assert!(
        wal <= 8_192 * RUNS,
        "{RUNS} runs took {wal} bytes of the log"
    );
}

async fn run_all(database: &Database) {
    let store = AnyStore::new(database.store().await);
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store).workflow(three_steps);
    let worker = worker.start().await.unwrap();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let callers = (0..RUNS).map(|n| {
        let (client, turns) = (client.clone(), turns.clone());
        tokio::spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let run = three_steps(n).start(&client).await.unwrap();
            assert_eq!(run.result().await.unwrap(), n + 3);
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        soon(caller).await.unwrap();
    }
    worker.shutdown().await.unwrap();
}

/// What a server has done so far.
struct Spent {
    writes: i64,
    all: i64,
    wal_bytes: i64,
}

impl Spent {
    /// Sessions report what they did when they end, so this waits for those of the stores.
    async fn read(connection: &mut PgConnection) -> Spent {
        until(async || {
            let others: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .fetch_one(&mut *connection)
            .await
            .unwrap();
            (others == 0).then_some(())
        })
        .await;
        let (writes, all, wal_bytes) = sqlx::query_as(
            "SELECT pg_current_xact_id()::text::bigint, xact_commit,
                    (pg_current_wal_insert_lsn() - '0/0')::bigint
             FROM pg_stat_database WHERE datname = current_database()",
        )
        .fetch_one(connection)
        .await
        .unwrap();
        Spent {
            writes,
            all,
            wal_bytes,
        }
    }
}
