//! Starting in a transaction of the caller: the run is there if and only if that transaction commits.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::store::{AnyStore, OpenTransaction, PostgresStore, Schema, SqliteStore, StoreError};
use sagewai::{Error, RunFilter, RunId};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, Executor, PgConnection, PgPool, Row, SqliteConnection, SqlitePool};

use crate::support::postgres::{Database, database};
use crate::support::{soon, until};

#[workflow]
async fn ship(order: i64) -> Result<i64> {
    Ok(order * 2)
}

#[workflow]
async fn bill(order: i64) -> Result<i64> {
    Ok(order)
}

#[workflow(queue_depth = 2)]
async fn narrow(order: i64) -> Result<i64> {
    Ok(order)
}

/// An application with a table of its own, and a store beside it.
struct Shop<P> {
    store: AnyStore,
    client: Client,
    pool: P,
    // What both live in.
    _kept: Box<dyn std::any::Any + Send>,
}

const ORDERS: &str = "CREATE TABLE orders (id bigint PRIMARY KEY)";

async fn shop_on_postgres() -> (Shop<PgPool>, String) {
    let database = database().await;
    let store = database.store().await;
    store.initialize().await.unwrap();
    let url = database.url.clone();
    let pool = app_pool(&database).await;
    let shop = Shop {
        client: Client::new(&store),
        store: AnyStore::new(store),
        pool,
        _kept: Box::new(database),
    };
    (shop, url)
}

/// Connections as an application has them: with a search path of its own.
async fn app_pool(database: &Database) -> PgPool {
    let setup = format!("CREATE SCHEMA app; SET search_path = app; {ORDERS}");
    let mut connection = database.connect().await;
    connection
        .execute(sqlx::AssertSqlSafe(setup))
        .await
        .unwrap();
    PgPoolOptions::new()
        .after_connect(|connection, _| {
            Box::pin(async move {
                let set = connection.execute("SET search_path = app, public").await;
                set.map(drop)
            })
        })
        .connect(&database.url)
        .await
        .unwrap()
}

async fn shop_on_sqlite() -> Shop<SqlitePool> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shop.db").display());
    let store = SqliteStore::open(&url).await.unwrap();
    store.initialize().await.unwrap();
    let pool = SqlitePool::connect(&url).await.unwrap();
    pool.execute(ORDERS).await.unwrap();
    Shop {
        client: Client::new(&store),
        store: AnyStore::new(store),
        pool,
        _kept: Box::new(folder),
    }
}

impl<P> Shop<P> {
    async fn runs(&self) -> usize {
        self.client.runs(&RunFilter::new()).await.unwrap().len()
    }

    async fn worker(&self) -> sagewai::WorkerHandle {
        let worker = WorkflowWorker::builder(&self.store);
        // Whoever relies on polling here is too late.
        let worker = worker.poll_interval(Duration::from_mins(10));
        worker.workflow(ship).workflow(bill).start().await.unwrap()
    }
}

/// The same body with each database, as the types of sqlx differ.
macro_rules! on_both_databases {
    ($(async fn $name:ident($shop:ident) $body:block)*) => { $(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let ($shop, _) = shop_on_postgres().await;
                $body
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let $shop = shop_on_sqlite().await;
                $body
            }
        }
    )* };
}

on_both_databases! {
    async fn run_is_there_with_the_callers_rows_when_they_are_committed(shop) {
        let worker = shop.worker().await;
        let mut tx = shop.pool.begin().await.unwrap();
        tx.execute("INSERT INTO orders VALUES (17)").await.unwrap();
        let run = ship(17).idempotency_key("17").start_in(&mut tx).await.unwrap();
        assert_eq!(run.as_str(), "ship:17");
        tx.commit().await.unwrap();
        // The worker hears of it.
        let run = shop.client.handle::<ship>(&run).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 34);
        let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders")
            .fetch_one(&shop.pool).await.unwrap();
        assert_eq!(orders, 1);
        worker.shutdown().await.unwrap();
    }

    async fn run_is_not_there_when_the_caller_rolls_back(shop) {
        let mut tx = shop.pool.begin().await.unwrap();
        tx.execute("INSERT INTO orders VALUES (17)").await.unwrap();
        ship(17).run_id("a").start_in(&mut tx).await.unwrap();
        narrow(17).delay(Duration::from_mins(1)).start_in(&mut tx).await.unwrap();
        tx.rollback().await.unwrap();
        // Forgotten without a word, it is undone as well.
        let mut tx = shop.pool.begin().await.unwrap();
        ship(17).run_id("a").start_in(&mut tx).await.unwrap();
        drop(tx);
        assert_eq!(shop.runs().await, 0);
        assert!(ship(17).run_id("a").start(&shop.client).await.unwrap().is_new());
    }

    async fn many_runs_of_several_workflows_start_in_one_transaction(shop) {
        let worker = shop.worker().await;
        let mut tx = shop.pool.begin().await.unwrap();
        let mut runs = Vec::new();
        for order in 0..20 {
            sqlx::query("INSERT INTO orders VALUES ($1)").bind(order).execute(&mut *tx).await.unwrap();
            runs.push(ship(order).label("gpu", false).start_in(&mut tx).await.unwrap());
            bill(order).priority(3).deadline(Duration::from_mins(1)).start_in(&mut tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(shop.runs().await, 40);
        let worker_with_label = WorkflowWorker::builder(&shop.store).label("gpu", false).workflow(ship);
        let worker_with_label = worker_with_label.start().await.unwrap();
        for (order, run) in (0..).zip(&runs) {
            let run = shop.client.handle::<ship>(run).await.unwrap();
            assert_eq!(soon(run.result()).await.unwrap(), order * 2);
        }
        worker.shutdown().await.unwrap();
        worker_with_label.shutdown().await.unwrap();
    }

    async fn same_id_attaches_or_conflicts_and_the_transaction_goes_on(shop) {
        ship(1).run_id("there").start(&shop.client).await.unwrap();
        let mut tx = shop.pool.begin().await.unwrap();
        tx.execute("INSERT INTO orders VALUES (1)").await.unwrap();
        for _ in 0..2 {
            let there = ship(1).run_id("there").start_in(&mut tx).await.unwrap();
            let twice = ship(2).run_id("twice").start_in(&mut tx).await.unwrap();
            assert_eq!((there.as_str(), twice.as_str()), ("there", "twice"));
        }
        for (call, other) in [
            (ship(3).run_id("there").start_in(&mut tx).await, "other arguments"),
            (ship(3).run_id("twice").start_in(&mut tx).await, "other arguments"),
            (bill(1).run_id("there").start_in(&mut tx).await, "workflow `ship`"),
        ] {
            let conflict = call.unwrap_err().to_string();
            assert!(conflict.contains(other), "{conflict}");
        }
        let invalid = ship(3).run_id("").start_in(&mut tx).await;
        assert!(matches!(invalid, Err(Error::Invalid(_))), "{invalid:?}");
        // None of this is in the way of the caller.
        tx.execute("INSERT INTO orders VALUES (2)").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shop.runs().await, 2);
    }

    async fn limit_counts_runs_of_this_transaction_and_leaves_it_usable(shop) {
        let mut tx = shop.pool.begin().await.unwrap();
        narrow(0).start_in(&mut tx).await.unwrap();
        narrow(1).run_id("one").start_in(&mut tx).await.unwrap();
        let full = narrow(2).start_in(&mut tx).await.unwrap_err();
        assert!(matches!(full, Error::QueueFull { depth: 2, limit: 2, .. }), "{full}");
        narrow(1).run_id("one").start_in(&mut tx).await.unwrap();
        ship(1).start_in(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shop.runs().await, 3);
        let full = narrow(2).start(&shop.client).await.unwrap_err();
        assert!(matches!(full, Error::QueueFull { .. }), "{full}");
    }

    async fn debounced_starts_in_transactions_become_one_run(shop) {
        let calm = Duration::from_mins(10);
        let mut tx = shop.pool.begin().await.unwrap();
        let first = ship(1).debounce("k", calm).start_in(&mut tx).await.unwrap();
        let again = ship(2).debounce("k", calm).start_in(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let third = ship(3).debounce("k", calm).start(&shop.client).await.unwrap();
        assert!(first == again && first == *third.id() && !third.is_new());
        assert_eq!(shop.runs().await, 1);
        let journal = shop.client.journal(&first).await.unwrap();
        let input = &journal.at("$input").unwrap().written.outcome;
        let expected = sagewai::Json::encode(&serde_json::json!({"order": 3})).unwrap();
        assert_eq!(*input, sagewai::Outcome::Ok(expected));
    }

    async fn function_that_takes_a_connection_starts_in_its_transaction(shop) {
        async fn take<C: OpenTransaction>(connection: &mut C) -> RunId {
            ship(5).start_in(connection).await.unwrap()
        }
        let mut connection = shop.pool.acquire().await.unwrap();
        let mut tx = connection.begin().await.unwrap();
        take(&mut *tx).await;
        let mut within = tx.begin().await.unwrap();
        take(&mut within).await;
        within.rollback().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shop.runs().await, 1);
    }
}

async fn search_path(connection: &mut PgConnection) -> String {
    let row = connection.fetch_one("SHOW search_path").await.unwrap();
    row.get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn search_path_and_prepared_statements_of_the_caller_stay_as_they_are() {
    let (shop, _) = shop_on_postgres().await;
    let mut connection = shop.pool.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    let prepared =
        "SELECT count(*) FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared%'";
    let before: i64 = sqlx::query_scalar(prepared)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    ship(1).run_id("a").start_in(&mut tx).await.unwrap();
    assert_eq!(search_path(&mut tx).await, "app, public");
    ship(2).run_id("a").start_in(&mut tx).await.unwrap_err();
    assert_eq!(search_path(&mut tx).await, "app, public");
    // A path of this transaction alone, with names that need quotes.
    tx.execute(r#"SET LOCAL search_path = "Odd ""one", app"#)
        .await
        .unwrap();
    let odd = search_path(&mut tx).await;
    narrow(1)
        .delay(Duration::from_mins(1))
        .start_in(&mut tx)
        .await
        .unwrap();
    ship(1)
        .debounce("k", Duration::from_mins(1))
        .start_in(&mut tx)
        .await
        .unwrap();
    assert_eq!(search_path(&mut tx).await, odd);
    let after: i64 = sqlx::query_scalar(prepared)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(before, after);
    tx.commit().await.unwrap();
    assert_eq!(search_path(&mut connection).await, "app, public");
    assert_eq!(shop.runs().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_in_another_schema_are_found_and_missing_ones_are_said() {
    let database = database().await;
    let pool = app_pool(&database).await;
    let mut tx = pool.begin().await.unwrap();
    for schema in [None, Some("jobs"), Some("no; DROP TABLE orders")] {
        let call = ship(1).start_in(&mut tx);
        let call = match schema {
            Some(schema) => call.schema(schema),
            None => call,
        };
        let refused = call.await.unwrap_err();
        assert!(
            matches!(&refused, Error::Store(StoreError::Schema { .. })),
            "{refused:?}"
        );
    }
    tx.execute("INSERT INTO orders VALUES (1)").await.unwrap();
    tx.commit().await.unwrap();

    let builder = PostgresStore::builder(&database.url).schema("jobs");
    let store = builder.connect().await.unwrap();
    store.initialize().await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let run = ship(1).start_in(&mut tx).schema("jobs").await.unwrap();
    // Made by a newer version of the library.
    tx.execute("INSERT INTO jobs.sagewai_migrations VALUES (900, 'later', 0)")
        .await
        .unwrap();
    let refused = ship(1).start_in(&mut tx).schema("jobs").await.unwrap_err();
    assert!(refused.to_string().contains("version 900"), "{refused}");
    tx.execute("DELETE FROM jobs.sagewai_migrations WHERE version = 900")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let handle = Client::new(&store).handle::<ship>(&run).await.unwrap();
    assert_eq!(handle.id(), &run);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_that_are_missing_in_the_file_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("app.db").display()
    );
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    connection.execute(ORDERS).await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    let refused = ship(1).start_in(&mut tx).await.unwrap_err();
    assert!(refused.to_string().contains("initialize()"), "{refused}");
    let refused = ship(1).start_in(&mut tx).schema("jobs").await.unwrap_err();
    assert!(refused.to_string().contains("no schemas"), "{refused}");
    tx.execute("INSERT INTO orders VALUES (1)").await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_without_a_usable_transaction_is_refused_with_what_to_do() {
    let (shop, _) = shop_on_postgres().await;
    let mut connection = shop.pool.acquire().await.unwrap();
    let refused = ship(1).start_in(&mut *connection).await.unwrap_err();
    assert!(
        refused.to_string().contains("no transaction is open"),
        "{refused}"
    );
    assert_eq!(search_path(&mut connection).await, "app, public");
    let mut tx = connection.begin().await.unwrap();
    tx.execute("SELECT 1 / 0").await.unwrap_err();
    let refused = ship(1).start_in(&mut tx).await.unwrap_err();
    assert!(
        refused.to_string().contains("it has failed before"),
        "{refused}"
    );
    drop(tx);
    assert_eq!(shop.runs().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limit_is_exact_for_transactions_that_read_by_an_older_snapshot() {
    let (shop, _) = shop_on_postgres().await;
    let mut old = shop.pool.begin().await.unwrap();
    old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    old.execute("SELECT count(*) FROM orders").await.unwrap();
    for n in 0..2 {
        narrow(n).start(&shop.client).await.unwrap();
    }
    // It cannot see them, and is not let in either.
    let refused = narrow(2).start_in(&mut old).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Store(error) if error.is_transient()),
        "{refused:?}"
    );
    old.execute("INSERT INTO orders VALUES (1)").await.unwrap();
    old.commit().await.unwrap();
    assert_eq!(shop.runs().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_of_an_id_that_an_open_transaction_holds_waits_for_its_end() {
    let (shop, _) = shop_on_postgres().await;
    for committed in [true, false] {
        let id = format!("held-{committed}");
        let mut tx = shop.pool.begin().await.unwrap();
        ship(1).run_id(&*id).start_in(&mut tx).await.unwrap();
        let client = shop.client.clone();
        let other = tokio::spawn({
            let id = id.clone();
            async move { ship(1).run_id(id).start(&client).await }
        });
        until(async || {
            let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock')";
            let waits: bool = sqlx::query_scalar(waits)
                .fetch_one(&shop.pool)
                .await
                .unwrap();
            waits.then_some(())
        })
        .await;
        if committed {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        let run = soon(other).await.unwrap().unwrap();
        assert_eq!(run.is_new(), !committed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transaction_that_stays_open_keeps_other_runs_from_nothing() {
    let (shop, _) = shop_on_postgres().await;
    let worker = shop.worker().await;
    let mut tx = shop.pool.begin().await.unwrap();
    ship(1).run_id("held").start_in(&mut tx).await.unwrap();
    // All of these go to the database together with the one that has to wait.
    let held = ship(1).run_id("held").start(&shop.client);
    let others = (0..20).map(|n| bill(n).start(&shop.client));
    let (held, others) =
        soon(async { tokio::join!(held, futures_util::future::join_all(others)) }).await;
    assert!(
        matches!(&held, Err(Error::Store(error)) if error.is_transient()),
        "{held:?}"
    );
    for (n, run) in (0..).zip(others) {
        assert_eq!(soon(run.unwrap().result()).await.unwrap(), n);
    }
    tx.commit().await.unwrap();
    let again = ship(1).run_id("held").start(&shop.client).await.unwrap();
    assert_eq!(soon(again.result()).await.unwrap(), 2);
    worker.shutdown().await.unwrap();
}
