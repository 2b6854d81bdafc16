//! What runs and workers cost a database, in transactions: counts, not times, so that a regression fails on any machine.

use std::sync::Arc;
use std::time::Duration;

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
        writes <= RUNS * 3 / 4,
        "{RUNS} runs took {writes} transactions that write"
    );
    // All of our statements on this path are transactions of their own, and results are not read one by one.
    let all = after.all - before.all;
    assert!(all <= RUNS * 3 / 2, "{RUNS} runs took {all} transactions");
    let wal = after.wal_bytes - before.wal_bytes;
    assert!(
        wal <= 3_500 * RUNS,
        "{RUNS} runs took {wal} bytes of the log"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_starts_at_once_are_a_few_transactions() {
    let cluster = Cluster::start();
    let database = cluster.database().await;
    let store = AnyStore::new(database.store().await);
    store.initialize().await.unwrap();
    let mut connection = database.connect().await;
    drop(store);
    let before = Spent::read(&mut connection).await;
    let client = Client::new(AnyStore::new(database.store().await));
    client
        .start_many((0..1_000).map(three_steps))
        .await
        .unwrap();
    drop(client);
    let writes = Spent::read(&mut connection).await.writes - before.writes;
    // The first ones do not wait for the others; and there is the row of their queue.
    assert!(writes <= 10, "1000 starts took {writes} transactions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_workers_ask_one_statement_a_beat() {
    const WORKERS: i64 = 5;
    let cluster = Cluster::start();
    let database = cluster.database().await;
    AnyStore::new(database.store().await)
        .initialize()
        .await
        .unwrap();
    let mut connection = database.connect().await;

    // Each with a store of its own, as in processes of their own.
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let worker = WorkflowWorker::builder(AnyStore::new(database.store().await));
        let worker = worker
            .workflow(three_steps)
            .heartbeat_interval(Duration::from_millis(250));
        workers.push(worker.start().await.unwrap());
    }
    // Sessions report what they did once a second, all of it at once; so the first report has what a start costs.
    let begun = all_beat(&mut connection, 10 * WORKERS).await;
    let done = all_beat(&mut connection, begun.beats + 20 * WORKERS).await;
    for worker in workers {
        worker.shutdown().await.unwrap();
    }

    let (all, beats) = (done.all - begun.all - done.looks, done.beats - begun.beats);
    // Reports come late, and not of all sessions at once; and what processes left that other tests kill is told to the
    // store. A poll of two statements beside each beat would be three times as many.
    assert!(
        all <= 2 * beats + 8 * WORKERS,
        "{all} transactions in {beats} beats of {WORKERS} idle workers"
    );
}

/// What idle workers have done, as far as it is reported.
struct Idle {
    all: i64,
    beats: i64,
    /// How often this test has looked.
    looks: i64,
}

/// Waits for so many beats. Each writes the row of its worker.
async fn all_beat(connection: &mut PgConnection, wanted: i64) -> Idle {
    let mut looks = 0;
    loop {
        looks += 1;
        let (all, beats): (i64, i64) = sqlx::query_as(
            "SELECT d.xact_commit, t.n_tup_upd FROM pg_stat_database d, pg_stat_user_tables t
             WHERE d.datname = current_database() AND t.schemaname = 'sagewai' AND t.relname = 'workers'",
        )
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        if beats >= wanted {
            return Idle { all, beats, looks };
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
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
