//! Tables of an earlier version, brought up to date with what is in them.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::store::{AnyStore, PostgresStore, SqliteStore};
use sagewai::{RunFilter, RunState, Schedule};
use sqlx::{ConnectOptions, Executor};

use crate::support::postgres::database;

#[workflow]
async fn kept() -> Result<()> {
    Ok(())
}

const FIRST_WAS_APPLIED: &str = "
    CREATE TABLE sagewai_migrations (version bigint PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL);
    INSERT INTO sagewai_migrations VALUES (1, '0001_core', 0);";
/// A run that was started before.
const RUN: &str = "
    INSERT INTO queues (queue_id, workflow, version, pool, labels) OVERRIDING SYSTEM VALUE
    VALUES (1, 'kept', 1, 'default', '{}');
    INSERT INTO runs (run_key, run_id, queue_id, state, fingerprint, created_at)
    VALUES ('00000000-0000-7000-8000-000000000000', '00000000-0000-7000-8000-000000000000', 1, 'pending', 0, 0);";

/// Everything there is can be used.
async fn is_brought_up_to_date(store: AnyStore) {
    let refusal = store.check().await.unwrap_err().to_string();
    assert!(refusal.contains("they have version 1, and"), "{refusal}");
    for _ in 0..2 {
        store.initialize().await.unwrap();
        store.check().await.unwrap();
    }
    let client = Client::new(&store);
    let old = client.runs(&RunFilter::new()).await.unwrap();
    let old: Vec<_> = old
        .iter()
        .map(|run| (run.workflow.as_str(), run.state))
        .collect();
    assert_eq!(old, [("kept", RunState::Pending)]);
    let hourly = Schedule::every("s", Duration::from_hours(1)).runs(kept());
    client.schedules().put(hourly).await.unwrap();
}

#[tokio::test]
async fn sqlite_tables_of_the_first_version_are_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    connection
        .execute(include_str!("../../migrations/sqlite/0001_core.sql"))
        .await
        .unwrap();
    connection.execute(FIRST_WAS_APPLIED).await.unwrap();
    let run = RUN.replace("OVERRIDING SYSTEM VALUE", "").replacen(
        "'00000000-0000-7000-8000-000000000000'",
        "x'00000000000070008000000000000000'",
        1,
    );
    connection.execute(sqlx::AssertSqlSafe(run)).await.unwrap();
    drop(connection);
    is_brought_up_to_date(AnyStore::new(SqliteStore::open(&file).await.unwrap())).await;
}

#[tokio::test]
async fn postgres_tables_of_the_first_version_are_brought_up_to_date() {
    let database = database().await;
    let mut connection = database.connect().await;
    connection
        .execute("CREATE SCHEMA sagewai; SET search_path = sagewai")
        .await
        .unwrap();
    connection
        .execute(sqlx::raw_sql(include_str!(
            "../../migrations/postgres/0001_core.sql"
        )))
        .await
        .unwrap();
    connection.execute(FIRST_WAS_APPLIED).await.unwrap();
    connection.execute(RUN).await.unwrap();
    is_brought_up_to_date(AnyStore::new(
        PostgresStore::connect(&database.url).await.unwrap(),
    ))
    .await;
}
