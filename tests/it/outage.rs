//! The database goes away and comes back.

use std::path::Path;
use std::time::Duration;

use sagewai::prelude::*;
use sagewai::store::{AnyStore, Schema};
use sagewai::{RunHandle, WorkerBuilder};

use crate::ledger;
use crate::support::postgres::{Cluster, Database};
use crate::support::{soon, until};

#[step]
async fn wait_for(ctx: &StepContext, path: &str) -> Result<u32> {
    ledger::note(ctx, "begun");
    while !Path::new(path).exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    ledger::note(ctx, "ended");
    Ok(1)
}

#[step]
async fn add(ctx: &StepContext, n: u32) -> Result<u32> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    ledger::note(ctx, format!("add {n}"));
    Ok(n + 1)
}

#[workflow]
async fn through_the_outage(path: String) -> Result<u32> {
    let n = wait_for(&path).await?;
    add(n).await
}

#[workflow]
async fn counting(n: u32) -> Result<u32> {
    let n = add(n).await?;
    let n = add(n).await?;
    add(n).await
}

/// Waits for a message, a child and a person.
#[workflow]
async fn waiting_through_it(n: u32) -> Result<u32> {
    let sent = signal::<u32>("number").await?;
    let counted = counting(sent).await?;
    approval("go").await?;
    add(counted + n).await
}

/// A server that can be taken down, and a store in it.
struct Scene {
    cluster: Cluster,
    _database: Database,
    store: AnyStore,
    client: Client,
}

impl Scene {
    async fn new() -> Scene {
        let cluster = Cluster::start();
        let database = cluster.database().await;
        let store = database.store().await;
        store.initialize().await.unwrap();
        let store = AnyStore::new(store);
        Scene {
            cluster,
            _database: database,
            client: Client::new(&store),
            store,
        }
    }

    fn worker(&self) -> WorkerBuilder {
        WorkflowWorker::builder(&self.store)
            .poll_interval(Duration::from_millis(50))
            .workflow(through_the_outage)
            .workflow(counting)
            .workflow(waiting_through_it)
    }
}

/// Takes the server down while a step runs, lets the step end meanwhile, and brings the server back.
async fn end_a_step_while_the_server_is_away(
    scene: &mut Scene,
    away: Duration,
) -> RunHandle<through_the_outage> {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let call = through_the_outage(go.display().to_string());
    let run = call.start(&scene.client).await.unwrap();
    until(async || (ledger::of(run.id()) == ["begun"]).then_some(())).await;
    scene.cluster.stop();
    std::fs::write(&go, "").unwrap();
    until(async || (ledger::of(run.id()) == ["begun", "ended"]).then_some(())).await;
    // The outage is what is tested, so its length is real.
    tokio::time::sleep(away).await;
    scene.cluster.go_on();
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outage_of_seconds_loses_no_finished_step_and_ends_no_worker() {
    let mut scene = Scene::new().await;
    let worker = scene.worker().start().await.unwrap();
    let run = end_a_step_while_the_server_is_away(&mut scene, Duration::from_secs(3)).await;
    assert_eq!(soon(run.result()).await.unwrap(), 2);
    assert_eq!(ledger::of(run.id()), ["begun", "ended", "add 1"]);
    let next = counting(5).start(&scene.client).await.unwrap();
    assert_eq!(soon(next.result()).await.unwrap(), 8);
    worker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outage_longer_than_the_lease_does_not_make_workers_bury_each_other() {
    let mut scene = Scene::new().await;
    let short = |worker: WorkerBuilder| {
        let heartbeat = Duration::from_millis(300);
        worker
            .lease(Duration::from_secs(1))
            .heartbeat_interval(heartbeat)
    };
    let one = short(scene.worker()).start().await.unwrap();
    let two = short(scene.worker()).start().await.unwrap();
    let run = end_a_step_while_the_server_is_away(&mut scene, Duration::from_secs(3)).await;
    assert_eq!(soon(run.result()).await.unwrap(), 2);
    assert_eq!(ledger::of(run.id()), ["begun", "ended", "add 1"]);
    assert_eq!(
        run.status().await.unwrap().run.epoch,
        1,
        "it never changed hands"
    );
    one.shutdown().await.unwrap();
    two.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_is_killed_under_load_loses_and_repeats_nothing_that_was_committed() {
    let mut scene = Scene::new().await;
    let one = scene.worker().start().await.unwrap();
    let two = scene.worker().start().await.unwrap();
    let starts = (0..100).map(|n| counting(n).start(&scene.client));
    let runs: Vec<_> = futures_util::future::join_all(starts).await;
    for _ in 0..2 {
        scene.cluster.crash();
        scene.cluster.go_on();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (n, run) in (0..).zip(runs) {
        let run = run.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), n + 3);
        let journal = scene.client.journal(run.id()).await.unwrap();
        let positions: Vec<&str> = journal
            .checkpoints
            .iter()
            .map(|c| c.written.position.as_str())
            .collect();
        assert_eq!(positions, ["$input", "add", "add#2", "add#3", "$output"]);
        // Workers kept their leases throughout, so a finished step waited in memory for its commit.
        let expected: Vec<String> = (n..n + 3).map(|n| format!("add {n}")).collect();
        assert_eq!(ledger::of(run.id()), expected);
    }
    one.shutdown().await.unwrap();
    two.shutdown().await.unwrap();
}

/// Does what a caller does whom the database does not answer: it asks again, under the same name.
async fn until_stored<T, F: AsyncFnMut() -> Result<T, sagewai::Error>>(mut ask: F) -> T {
    until(async || match ask().await {
        Ok(done) => Some(done),
        Err(sagewai::Error::Store(_)) => None,
        Err(error) => panic!("{error}"),
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_is_killed_around_wake_ups_loses_none_and_repeats_nothing() {
    let mut scene = Scene::new().await;
    let worker = scene.worker().start().await.unwrap();
    let starts = (0..40).map(|n| waiting_through_it(n).start(&scene.client));
    let runs: Vec<_> = futures_util::future::join_all(starts).await;
    let runs: Vec<_> = runs.into_iter().map(Result::unwrap).collect();
    let client = scene.client.clone();
    let sending = (0..).zip(&runs).map(|(n, run): (u64, _)| {
        let (client, id) = (client.clone(), run.id().to_string());
        async move {
            tokio::time::sleep(Duration::from_millis(n * 20)).await;
            until_stored(async || client.signal(&id, "number", &10_u32).id("only").await).await;
            until_stored(async || client.gate(&id, "go").approve("ann").await).await;
        }
    });
    let crashing = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            scene.cluster.crash();
            scene.cluster.go_on();
        }
    };
    tokio::join!(futures_util::future::join_all(sending), crashing);
    for (n, run) in (0..).zip(&runs) {
        let result = until_stored(async || soon(run.result()).await).await;
        assert_eq!(result, 10 + 3 + n + 1);
        assert_eq!(ledger::of(run.id()), [format!("add {}", 13 + n)]);
        let children = scene.client.children(run.id()).await.unwrap();
        assert_eq!(children.len(), 1);
        assert_eq!(ledger::of(&children[0].run), ["add 10", "add 11", "add 12"]);
    }
    worker.shutdown().await.unwrap();
}
