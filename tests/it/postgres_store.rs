//! What only PostgreSQL does: it goes away and comes back, and holds several schemas.

use std::time::Duration;

use sagewai::model::{
    Beyond, Claimed, Commit, Header, NewRun, NewWorker, Serves, Started, Then, Verdict, WorkerKey,
};
use sagewai::store::{AnyStore, PostgresStore, StoreError, open};
use sagewai::{CheckpointKind, Json, Labels, NewCheckpoint, Outcome, Position, RunId};
use sqlx::{Connection, Executor, PgConnection};

use crate::support::postgres::{Cluster, Database, database};
use crate::support::{soon, until};

const WORKFLOW: &str = "article";

pub(crate) fn new_run(id: &str) -> NewRun {
    NewRun {
        id: RunId::new(id).unwrap(),
        workflow: WORKFLOW.to_owned(),
        version: 1,
        pool: "default".to_owned(),
        labels: Labels::new(),
        priority: 0,
        concurrency_key: None,
        input: Json::parse("{}").unwrap(),
        fingerprint: 1,
        delay: Duration::ZERO,
        assigned: None,
        not_before: None,
        header: Header::default(),
    }
}

pub(crate) fn commit_of(claimed: &Claimed, n: u32) -> Commit {
    Commit {
        run: claimed.run.key(),
        epoch: claimed.run.epoch,
        worker: claimed.run.worker.unwrap(),
        checkpoints: vec![NewCheckpoint {
            position: Position::from(format!("step#{n}")),
            ordinal: n,
            kind: CheckpointKind::Step,
            site: 0,
            input_digest: 0,
            attempts: 1,
            took: Duration::ZERO,
            outcome: Outcome::Ok(Json::parse("1").unwrap()),
        }],
        events: Vec::new(),
        gates: Vec::new(),
        beyond: Beyond::default(),
        then: Then::Continue,
    }
}

fn serves() -> Serves {
    Serves {
        workflows: vec![WORKFLOW.into()],
        limited: Vec::new(),
        pool: "default".to_owned(),
        labels: Labels::new(),
    }
}

/// Registers a worker and lets it claim so many runs, which are started for it.
pub(crate) async fn claim_new(store: &AnyStore, runs: usize) -> Vec<Claimed> {
    for n in 0..runs {
        store.start(new_run(&format!("run-{n}"))).await.unwrap();
    }
    let worker = register(store).await;
    let claimed = store.claim(worker, &serves(), 1_000).await.unwrap();
    assert_eq!(claimed.len(), runs);
    claimed
}

async fn register(store: &AnyStore) -> WorkerKey {
    let worker = NewWorker {
        key: WorkerKey::generate(),
        name: "w".to_owned(),
        pool: "default".to_owned(),
        labels: Labels::new(),
        slots: 10,
        lease: Duration::from_mins(10),
        host: "here".to_owned(),
        exclusive: false,
        program: sagewai::Program::default(),
    };
    store.register(&worker).await.unwrap();
    worker.key
}

pub(crate) async fn initialized(database: &Database) -> AnyStore {
    let store = AnyStore::new(database.store().await);
    store.initialize().await.unwrap();
    store
}

/// Asks again for as long as the store cannot be reached.
async fn persist<T, F: Future<Output = Result<T, StoreError>>>(mut ask: impl FnMut() -> F) -> T {
    soon(async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) if error.is_transient() => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("an outage is nothing else: {error}"),
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_stops_and_crashes_during_commits_loses_and_repeats_nothing() {
    const RUNS: usize = 20;
    const STEPS: u32 = 60;
    let mut cluster = Cluster::start();
    let database = cluster.database().await;
    let store = initialized(&database).await;
    let claimed = claim_new(&store, RUNS).await;
    let (progress, mut seen) = tokio::sync::watch::channel(0_usize);

    let mut drivers = Vec::new();
    for claimed in claimed.clone() {
        let (store, progress) = (store.clone(), progress.clone());
        drivers.push(tokio::spawn(async move {
            for n in 1..=STEPS {
                let verdict = persist(|| store.commit(commit_of(&claimed, n))).await;
                assert_eq!(verdict, Verdict::Committed);
                progress.send_modify(|commits| *commits += 1);
            }
        }));
    }
    let total = RUNS * STEPS as usize;
    soon(seen.wait_for(|commits| *commits > total / 4))
        .await
        .unwrap();
    let error = tokio::task::block_in_place(|| {
        cluster.stop();
        store.clone()
    });
    let refusal = error.now().await.unwrap_err();
    assert!(refusal.is_transient(), "{refusal}");
    tokio::task::block_in_place(|| cluster.go_on());
    soon(seen.wait_for(|commits| *commits > total / 2))
        .await
        .unwrap();
    tokio::task::block_in_place(|| {
        cluster.crash();
        cluster.go_on();
    });
    for driver in drivers {
        driver.await.unwrap();
    }

    for claimed in &claimed {
        let journal = persist(|| store.journal(&claimed.run.id)).await.unwrap();
        let ordinals: Vec<u32> = journal
            .checkpoints
            .iter()
            .map(|c| c.written.ordinal)
            .collect();
        assert_eq!(ordinals, (0..=STEPS).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_during_an_outage_creates_one_run() {
    let mut cluster = Cluster::start();
    let database = cluster.database().await;
    let store = initialized(&database).await;
    tokio::task::block_in_place(|| cluster.stop());
    let starting = tokio::spawn({
        let store = store.clone();
        async move { persist(|| store.start(new_run("article-1"))).await }
    });
    let refused_run = RunId::new("article-2").unwrap();
    let refused = store.start(new_run("article-2")).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    tokio::task::block_in_place(|| cluster.go_on());
    assert_eq!(starting.await.unwrap(), Started::Created);
    // Other connections may still have to find out that the server was away.
    let run = RunId::new("article-1").unwrap();
    let found = persist(|| store.run(&run)).await.unwrap();
    assert_eq!(found.epoch, 0);
    assert!(persist(|| store.run(&refused_run)).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_processes_are_heard_also_after_the_server_was_away() {
    let mut cluster = Cluster::start();
    let database = cluster.database().await;
    let here = initialized(&database).await;
    let there = AnyStore::new(database.store().await);
    let id = RunId::new("article-1").unwrap();
    let mut work = here.hints().watch_work();
    // The first word is that one can hear now.
    soon(work.changed()).await;

    there.start(new_run("article-1")).await.unwrap();
    soon(work.changed()).await;

    let mut run = here.hints().watch_run(id.key());
    let worker = register(&there).await;
    let claimed = there.claim(worker, &serves(), 1).await.unwrap().remove(0);
    let end = Commit {
        then: Then::Finish(sagewai::model::Ending::Completed),
        ..commit_of(&claimed, 1)
    };
    there.commit(end).await.unwrap();
    soon(run.changed()).await;

    tokio::task::block_in_place(|| {
        cluster.crash();
        cluster.go_on();
    });
    // That it was away is word enough to look again.
    soon(work.changed()).await;
    persist(|| there.start(new_run("article-2"))).await;
    soon(work.changed()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_schemas_of_one_database_know_nothing_of_each_other() {
    let database = database().await;
    let mut stores = Vec::new();
    for schema in ["blue", "green"] {
        let store = AnyStore::new(database.store_in(schema).await);
        store.initialize().await.unwrap();
        assert_eq!(
            store.start(new_run("article-1")).await.unwrap(),
            Started::Created
        );
        stores.push(store);
    }
    let worker = register(&stores[0]).await;
    assert_eq!(
        stores[0].claim(worker, &serves(), 10).await.unwrap().len(),
        1
    );
    let run = stores[1]
        .run(&RunId::new("article-1").unwrap())
        .await
        .unwrap();
    assert_eq!(run.unwrap().epoch, 0);
    assert!(
        stores[1]
            .workers(Duration::from_mins(1))
            .await
            .unwrap()
            .is_empty()
    );

    let mut connection = database.connect().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT table_schema::text FROM information_schema.tables
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(tables, ["blue", "green"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_that_initialize_at_once_are_all_content() {
    let database = database().await;
    let mut stores = Vec::new();
    for _ in 0..8 {
        stores.push(database.store().await);
    }
    let all = stores.into_iter().map(|store| {
        tokio::spawn(async move {
            let store = AnyStore::new(store);
            store.initialize().await?;
            store.check().await
        })
    });
    for done in all.collect::<Vec<_>>() {
        done.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn tables_that_are_missing_or_newer_are_refused_with_what_to_do() {
    let database = database().await;
    let store = AnyStore::new(database.store().await);
    for refusal in [
        store.check().await.unwrap_err(),
        store.start(new_run("article-1")).await.unwrap_err(),
        store
            .run(&RunId::new("article-1").unwrap())
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(refusal, StoreError::Schema { .. }), "{refusal}");
        assert!(
            refusal.to_string().contains("call `initialize()`"),
            "{refusal}"
        );
    }

    store.initialize().await.unwrap();
    store.check().await.unwrap();
    let mut connection = database.connect().await;
    connection
        .execute("INSERT INTO sagewai.sagewai_migrations VALUES (99, 'later', 0)")
        .await
        .unwrap();
    for refusal in [
        store.check().await.unwrap_err(),
        store.initialize().await.unwrap_err(),
        open(&database.url).await.unwrap_err(),
    ] {
        let text = refusal.to_string();
        assert!(
            text.contains("version 99") && text.contains("update this program"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn role_without_rights_to_create_uses_tables_that_are_there() {
    let database = database().await;
    initialized(&database).await;
    let role = format!(
        "reader_{}",
        &database.url[database.url.find("test_").unwrap() + 5..][..36]
    );
    let mut connection = database.connect().await;
    let grant = format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA sagewai TO {role};
         GRANT ALL ON ALL TABLES IN SCHEMA sagewai TO {role}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(grant))
        .execute(&mut connection)
        .await
        .unwrap();
    let url = database.url.replace("postgres@", &format!("{role}@"));
    let store = open(&url).await.unwrap();
    assert_eq!(
        store.start(new_run("article-1")).await.unwrap(),
        Started::Created
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_commits_at_once_are_few_transactions() {
    let cluster = Cluster::start();
    let database = cluster.database().await;
    let store = initialized(&database).await;
    let claimed = claim_new(&store, 100).await;
    let mut connection = database.connect().await;
    let before = transactions(&mut connection).await;
    let drivers = claimed.into_iter().map(|claimed| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 1..=10 {
                let verdict = store.commit(commit_of(&claimed, n)).await.unwrap();
                assert_eq!(verdict, Verdict::Committed);
            }
        })
    });
    for driver in drivers.collect::<Vec<_>>() {
        driver.await.unwrap();
    }
    let spent = transactions(&mut connection).await - before;
    assert!(spent < 250, "1,000 commits took {spent} transactions");
}

/// How many transactions have written something on this server.
async fn transactions(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT pg_current_xact_id()::text::bigint")
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claim_that_waits_for_a_decision_still_takes_the_run() {
    let database = database().await;
    let store = initialized(&database).await;
    store.start(new_run("article-1")).await.unwrap();
    let worker = register(&store).await;
    let (mut decider, mut watcher) = (database.connect().await, database.connect().await);
    // As a decision does, in the middle of it.
    let mut tx = decider.begin().await.unwrap();
    tx.execute("UPDATE sagewai.runs SET wakes = wakes + 1")
        .await
        .unwrap();
    let claiming = tokio::spawn({
        let store = store.clone();
        async move { store.claim(worker, &serves(), 10).await }
    });
    until(async || {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')",
        )
        .fetch_one(&mut watcher)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
    tx.commit().await.unwrap();
    let claimed = claiming.await.unwrap().unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].run.wakes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn burial_waits_for_commits_on_their_way_and_fences_later_ones() {
    let database = database().await;
    let store = initialized(&database).await;
    let claimed = claim_new(&store, 1).await.remove(0);
    let (mut blocker, mut watcher) = (database.connect().await, database.connect().await);
    // The commit cannot end before this: it writes a checkpoint of the same key.
    let mut tx = blocker.begin().await.unwrap();
    tx.execute(
        "INSERT INTO sagewai.checkpoints SELECT run_key, 'step#1', 1, 'step', 0, 0, 1, 0, 'ok', '0', 7, 0
         FROM sagewai.runs",
    )
    .await
    .unwrap();
    let committing = tokio::spawn({
        let (store, commit) = (store.clone(), commit_of(&claimed, 1));
        async move { store.commit(commit).await }
    });
    let mut blocked = async |sessions: i64| {
        until(async || {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .fetch_one(&mut watcher)
            .await
            .unwrap();
            (waiting == sessions).then_some(())
        })
        .await;
    };
    blocked(1).await;
    let burying = tokio::spawn({
        let (store, worker) = (store.clone(), claimed.run.worker.unwrap());
        async move { store.bury(worker).await }
    });
    blocked(2).await;
    tx.rollback().await.unwrap();
    assert_eq!(committing.await.unwrap().unwrap(), Verdict::Committed);
    assert!(burying.await.unwrap().unwrap());
    assert_eq!(
        store.commit(commit_of(&claimed, 2)).await.unwrap(),
        Verdict::Fenced
    );

    let heir = register(&store).await;
    let taken = store.claim(heir, &serves(), 1).await.unwrap().remove(0);
    assert!(taken.journal.at("step#1").is_some());
}

#[tokio::test]
async fn password_is_in_no_error_and_no_debug() {
    let url = "postgres://ann:hunter2@127.0.0.1:1/articles?sslmode=disable";
    let refusal = open(url).await.unwrap_err();
    assert!(refusal.is_transient(), "{refusal}");
    let builder = PostgresStore::builder(url);
    let store = database().await.store().await;
    for text in [
        refusal.to_string(),
        format!("{refusal:?}"),
        format!("{builder:?}"),
        format!("{store:?}"),
    ] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(
        refusal
            .to_string()
            .contains("postgres://ann@127.0.0.1:1/articles")
    );
}
