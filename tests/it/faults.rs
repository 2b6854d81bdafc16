//! A network that fails, connections that cannot be had, transactions that get into each other's way: every run ends,
//! nothing that was committed is done again, and no worker is started anew.

use std::time::{Duration, Instant};

use sagewai::prelude::*;
use sagewai::store::{AnyStore, PostgresStore, Schema};
use sagewai::{RunHandle, WorkerBuilder, WorkerHandle};
use sqlx::{Connection, Executor, PgConnection};

use crate::ledger;
use crate::support::field::Field;
use crate::support::postgres::{Cluster, Database, database};
use crate::support::proxy::{Network, Proxy};
use crate::support::{soon, until};

#[step]
async fn add(ctx: &StepContext, n: u32) -> Result<u32> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    ledger::note(ctx, format!("add {n}"));
    Ok(n + 1)
}

#[workflow]
async fn counting(n: u32) -> Result<u32> {
    let n = add(n).await?;
    let n = add(n).await?;
    add(n).await
}

/// A database, the direct way to it, and one through a network that can fail.
struct Scene {
    database: Database,
    client: Client,
    store: AnyStore,
    proxy: Proxy,
    behind: AnyStore,
}

impl Scene {
    async fn new() -> Scene {
        let database = database().await;
        let store = database.store().await;
        store.initialize().await.unwrap();
        let proxy = Proxy::to(&database).await;
        let behind = PostgresStore::connect(&proxy.url).await.unwrap();
        Scene {
            client: Client::new(&store),
            store: AnyStore::new(store),
            behind: AnyStore::new(behind),
            database,
            proxy,
        }
    }

    async fn start(&self, runs: u32) -> Vec<RunHandle<counting>> {
        self.client
            .start_many((0..runs).map(counting))
            .await
            .unwrap()
    }
}

fn worker(store: &AnyStore) -> WorkerBuilder {
    WorkflowWorker::builder(store)
        .poll_interval(Duration::from_millis(50))
        .workflow(counting)
}

/// Each run is over, with one checkpoint a position.
async fn assert_done(client: &Client, runs: &[RunHandle<counting>]) {
    for (n, run) in (0..).zip(runs) {
        assert_eq!(soon(run.result()).await.unwrap(), n + 3);
        let journal = client.journal(run.id()).await.unwrap();
        let positions: Vec<&str> = journal
            .checkpoints
            .iter()
            .map(|c| c.written.position.as_str())
            .collect();
        assert_eq!(positions, ["$input", "add", "add#2", "add#3", "$output"]);
    }
}

/// Nothing was done twice: what steps had done was kept until it could be stored.
fn assert_once(runs: &[RunHandle<counting>]) {
    for (n, run) in (0..).zip(runs) {
        let expected: Vec<String> = (n..n + 3).map(|n| format!("add {n}")).collect();
        assert_eq!(ledger::of(run.id()), expected);
    }
}

/// Lets the network fail several times while runs are on their way.
async fn fail_under_load(network: Network, times: u32, length: Duration) {
    let scene = Scene::new().await;
    let worker: WorkerHandle = worker(&scene.behind).start().await.unwrap();
    let runs = scene.start(60).await;
    for n in 0..times {
        until(async || {
            let begun = runs.iter().filter(|run| !ledger::of(run.id()).is_empty());
            (begun.count() > 5 * n as usize).then_some(())
        })
        .await;
        scene.proxy.be(network);
        // How long it fails is what is tested.
        tokio::time::sleep(length).await;
        scene.proxy.be(Network::Whole);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert_done(&scene.client, &runs).await;
    assert_once(&runs);
    let next = scene.start(5).await;
    assert_done(&scene.client, &next).await;
    worker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn network_that_is_cut_under_load_loses_and_repeats_nothing() {
    fail_under_load(Network::Cut, 4, Duration::from_millis(200)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn network_that_is_silent_for_a_while_loses_and_repeats_nothing() {
    fail_under_load(Network::Silent, 2, Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_whose_replies_are_lost_are_not_written_twice() {
    fail_under_load(Network::LosesReplies, 6, Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_cut_off_for_longer_than_its_lease_is_followed_by_another_and_writes_nothing() {
    let scene = Scene::new().await;
    let short = |worker: WorkerBuilder| {
        let lease = Duration::from_secs(1);
        worker.lease(lease).heartbeat_interval(lease / 4)
    };
    let cut_off = short(worker(&scene.behind)).start().await.unwrap();
    let runs = scene.start(40).await;
    until(async || (!ledger::of(runs[0].id()).is_empty()).then_some(())).await;
    scene.proxy.be(Network::Silent);
    let other = short(worker(&scene.store)).start().await.unwrap();
    // All of them, while the first one still believes that it drives some.
    assert_done(&scene.client, &runs).await;
    scene.proxy.be(Network::Whole);
    other.shutdown().await.unwrap();
    // It notices, and works on under a new lease.
    let next = scene.start(5).await;
    assert_done(&scene.client, &next).await;
    assert_done(&scene.client, &runs).await;
    assert_once(&next);
    cut_off.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worker_that_hears_nothing_any_more_finds_its_runs_by_looking() {
    let scene = Scene::new().await;
    // As often as it takes: it believes that it is told.
    let worker = WorkflowWorker::builder(&scene.behind)
        .heartbeat_interval(Duration::from_secs(1))
        .lease(Duration::from_secs(3))
        .workflow(counting)
        .start()
        .await
        .unwrap();
    let heard = scene.start(1).await;
    assert_done(&scene.client, &heard).await;
    scene.proxy.deafen();
    let began = Instant::now();
    let unheard = scene.start(10).await;
    assert_done(&scene.client, &unheard).await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_once(&unheard);
    worker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_cannot_be_had_are_waited_for() {
    let cluster = Cluster::boot("-c max_connections=12 -c superuser_reserved_connections=0");
    let database = cluster.database().await;
    let narrow = PostgresStore::builder(&database.url).connections(1);
    let store = narrow.connect().await.unwrap();
    store.initialize().await.unwrap();
    let store = AnyStore::new(store);
    let client = Client::new(&store);
    let one = worker(&store).start().await.unwrap();
    let two = worker(&store).start().await.unwrap();
    // Somebody else takes all that is left of the server, for as long as it wants.
    let mut taken = Vec::new();
    while let Ok(connection) = PgConnection::connect(&database.url).await {
        taken.push(connection);
    }
    assert!(!taken.is_empty());
    let starts = (0..40).map(|n| {
        let client = client.clone();
        async move {
            until(
                async || match counting(n).run_id(format!("pool-{n}")).start(&client).await {
                    Ok(run) => Some(run),
                    Err(sagewai::Error::Store(error)) if error.is_transient() => None,
                    Err(error) => panic!("{error}"),
                },
            )
            .await
        }
    });
    let give_back = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        taken.clear();
    };
    let (runs, ()) = tokio::join!(futures_util::future::join_all(starts), give_back);
    assert_done(&client, &runs).await;
    assert_once(&runs);
    one.shutdown().await.unwrap();
    two.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlocks_and_ended_sessions_are_tried_again() {
    let scene = Scene::new().await;
    let one = worker(&scene.store).start().await.unwrap();
    let two = worker(&scene.behind).start().await.unwrap();
    let mut stranger = scene.database.connect().await;
    let runs = scene.start(60).await;
    let in_the_way = async {
        let mut rounds = 0;
        while rounds < 15 {
            rounds += 1;
            // Against the order that everybody keeps: the run, and then its place in the queue.
            let mut tx = stranger.begin().await.unwrap();
            let _ = tx
                .execute(
                    "SET LOCAL deadlock_timeout = '10ms';
                     SELECT FROM sagewai.runs ORDER BY run_key DESC LIMIT 30 FOR UPDATE;
                     SELECT FROM sagewai.workers ORDER BY worker DESC FOR UPDATE;
                     SELECT FROM sagewai.queue ORDER BY run_key DESC LIMIT 30 FOR UPDATE",
                )
                .await;
            // Where it was the victim itself, this fails, as it may.
            let _ = tx.rollback().await;
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'sagewai'
                 ORDER BY random() LIMIT 2";
            stranger.execute(end).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_the_way.await;
    // Of those who only ask, each gets the error of a session that was ended; so this comes afterwards.
    assert_done(&scene.client, &runs).await;
    assert_once(&runs);
    one.shutdown().await.unwrap();
    two.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promoted_standby_goes_on_with_all_that_was_answered() {
    let mut cluster = Cluster::start();
    let database = cluster.database().await;
    let proxy = Proxy::to(&database).await;
    let store = PostgresStore::connect(&proxy.url).await.unwrap();
    store.initialize().await.unwrap();
    let client = Client::new(&store);
    let store = AnyStore::new(store);
    cluster.follow();
    let mut primary = database.connect().await;
    // Not in one: the setting must not be changed in a transaction.
    for set in [
        "ALTER SYSTEM SET synchronous_standby_names = '*'",
        "SELECT pg_reload_conf()",
    ] {
        primary.execute(set).await.unwrap();
    }
    until(async || {
        let follows = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')";
        let follows: bool = sqlx::query_scalar(follows)
            .fetch_one(&mut primary)
            .await
            .unwrap();
        follows.then_some(())
    })
    .await;
    let worker = worker(&store).start().await.unwrap();
    let runs = client.start_many((0..60).map(counting)).await.unwrap();
    until(async || (!ledger::of(runs[5].id()).is_empty()).then_some(())).await;
    cluster.crash();
    proxy.be(Network::Cut);
    cluster.promote();
    proxy.lead_to(5433);
    proxy.be(Network::Whole);
    // Whoever asks has to ask again, a worker does so by itself.
    until(async || client.runs(&sagewai::RunFilter::new()).await.ok()).await;
    assert_done(&client, &runs).await;
    assert_once(&runs);
    worker.shutdown().await.unwrap();
}

/// What the victims serve; here it is only started.
#[workflow(name = "victim")]
async fn victim(value: u32) -> Result<u32> {
    Ok(value)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_of_a_dead_machine_go_on_within_fifteen_seconds_where_the_lease_is_ten() {
    let scene = crate::support::Scene::postgres().await;
    let field = Field::new(&scene);
    let lease = ["--lease-ms", "10000"];
    let calls = (0..20).map(victim);
    let runs = scene.client.start_many(calls).await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let stuck = ["--stop-in", "two"];
    let dies = field.victim_in(elsewhere.path(), &[lease, stuck].concat());
    // All of them are held by it, and its last heartbeat may have been just now.
    field.marked().await;
    dies.kill();
    let began = Instant::now();
    let follows = field.victim(&lease);
    let results = runs.iter().map(RunHandle::result);
    for (n, result) in (0..).zip(futures_util::future::join_all(results).await) {
        assert_eq!(result.unwrap(), n + 3);
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    follows.kill();
}
