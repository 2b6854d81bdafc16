//! A connection pooler before the server: PgBouncer.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::store::{AnyStore, PostgresStore};
use sqlx::{Connection, PgConnection};

use crate::support::postgres::Cluster;
use crate::support::postgres::bouncer::Bouncer;
use crate::support::{soon, until};

#[step]
async fn add(n: u32) -> Result<u32> {
    Ok(n + 1)
}

#[workflow]
async fn asking(n: u32) -> Result<u32> {
    let n = add(n).await?;
    approval("go").await?;
    add(n).await
}

#[tokio::test]
async fn pool_of_transactions_is_refused_and_its_sessions_are_left_as_they_were() {
    let cluster = Cluster::start();
    let database = cluster.database().await;
    for settings in [
        "pool_mode = transaction",
        "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 5",
        "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 2",
        "pool_mode = transaction\ndefault_pool_size = 1",
        "pool_mode = statement",
    ] {
        let bouncer = Bouncer::before(&database.url, settings);
        let url = bouncer.url(&database.url);
        for _ in 0..3 {
            let refusal = PostgresStore::connect(&url).await.unwrap_err().to_string();
            assert!(
                refusal.contains("`pool_mode = transaction`"),
                "{settings}: {refusal}"
            );
            assert!(refusal.contains("the server's own address"), "{refusal}");
        }
        let mut other = PgConnection::connect_with(&options(&url)).await.unwrap();
        let row = sqlx::raw_sql(
            "SELECT current_setting('enable_seqscan'), current_setting('search_path')",
        )
        .fetch_one(&mut other)
        .await
        .unwrap();
        let settings: (String, String) = sqlx::FromRow::from_row(&row).unwrap();
        assert_eq!(settings, ("on".to_owned(), "\"$user\", public".to_owned()));
    }
}

#[tokio::test]
async fn busy_pool_of_transactions_is_refused() {
    let cluster = Cluster::start();
    let database = cluster.database().await;
    let settings = "pool_mode = transaction\nserver_round_robin = 1";
    let bouncer = Bouncer::before(&database.url, settings);
    let url = bouncer.url(&database.url);
    // Others who come between, all the time.
    let others: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move {
                let mut other = PgConnection::connect_with(&options(&url)).await.unwrap();
                loop {
                    sqlx::raw_sql("SELECT pg_sleep(0.001)")
                        .execute(&mut other)
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for _ in 0..20 {
        let refusal = PostgresStore::connect(&url).await.unwrap_err().to_string();
        assert!(refusal.contains("`pool_mode = transaction`"), "{refusal}");
    }
    for other in others {
        other.abort();
    }
}

#[tokio::test]
async fn pool_of_sessions_carries_runs_and_words_between_processes() {
    let cluster = Cluster::start();
    let database = cluster.database().await;
    let settings = "pool_mode = session\ndefault_pool_size = 60";
    let mut bouncer = Bouncer::before(&database.url, settings);
    let url = bouncer.url(&database.url);
    let store = sagewai::store::open(&url).await.unwrap();
    // Two stores are as two processes: they hear of each other through the server only.
    let other = AnyStore::new(PostgresStore::connect(&url).await.unwrap());
    let client = Client::new(&other);
    let worker = WorkflowWorker::builder(&store)
        // It would not look in time by itself.
        .poll_interval(Duration::from_mins(10))
        .workflow(asking)
        .start()
        .await
        .unwrap();
    until(async || (store.hints().are_live() && other.hints().are_live()).then_some(())).await;
    let run = asking(1).run_id("r-1").start(&client).await.unwrap();
    client.gate("r-1", "go").approve("ann").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), 3);
    worker.shutdown().await.unwrap();

    let worker = WorkflowWorker::builder(&store)
        .poll_interval(Duration::from_millis(50))
        .workflow(asking)
        .start()
        .await
        .unwrap();
    let run = asking(2).run_id("r-2").start(&client).await.unwrap();
    bouncer.restart();
    until(async || client.gate("r-2", "go").approve("ann").await.ok()).await;
    let result = until(async || run.result().await.ok()).await;
    assert_eq!(result, 4);
    until(async || (store.hints().are_live() && other.hints().are_live()).then_some(())).await;
    worker.shutdown().await.unwrap();
}

/// As a program connects that has nothing to do with workflows.
fn options(url: &str) -> sqlx::postgres::PgConnectOptions {
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    options.extra_float_digits(None)
}
