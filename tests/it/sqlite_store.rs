//! What is special about runs in a SQLite file: several handles, as several processes have them, on one file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use sagewai::model::{
    Beyond, Commit, Ending, Header, Json, Labels, NewRun, NewWorker, RunId, Serves, Started, Then,
    Verdict, WorkerKey,
};
use sagewai::store::{Journal, Query, Queue, Schema, SqliteStore, StoreError};
use sagewai::{RunFilter, RunState};
use sqlx::{Connection, SqliteConnection};

use crate::support::soon;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("runs.db")
    }

    async fn open(&self) -> SqliteStore {
        let store = SqliteStore::open(self.file()).await.unwrap();
        store.initialize().await.unwrap();
        store
    }

    /// A connection that is none of ours.
    async fn stranger(&self) -> SqliteConnection {
        let url = format!("sqlite://{}", self.file().display());
        SqliteConnection::connect(&url).await.unwrap()
    }
}

fn new_run(id: &str) -> NewRun {
    NewRun {
        id: RunId::new(id).unwrap(),
        workflow: "article".to_owned(),
        version: 1,
        pool: "default".to_owned(),
        labels: Labels::new(),
        priority: 0,
        concurrency_key: None,
        input: Json::null(),
        fingerprint: 1,
        delay: Duration::ZERO,
        assigned: None,
        not_before: None,
        header: Header::default(),
    }
}

async fn worker(store: &SqliteStore) -> (WorkerKey, Serves) {
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
    let serves = Serves {
        workflows: vec!["article".into()],
        limited: Vec::new(),
        pool: worker.pool,
        labels: Labels::new(),
    };
    (worker.key, serves)
}

/// Claims and completes what there is, and returns the ids.
async fn drain(store: SqliteStore) -> Vec<RunId> {
    let (worker, serves) = worker(&store).await;
    let mut done = Vec::new();
    loop {
        let claimed = store.claim(worker, &serves, 5).await.unwrap();
        if claimed.is_empty() {
            return done;
        }
        for claimed in claimed {
            let end = Commit {
                run: claimed.run.key(),
                epoch: claimed.run.epoch,
                worker,
                checkpoints: Vec::new(),
                events: Vec::new(),
                gates: Vec::new(),
                beyond: Beyond::default(),
                then: Then::Finish(Ending::Completed),
            };
            assert_eq!(store.commit(end).await.unwrap(), Verdict::Committed);
            done.push(claimed.run.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_file_and_each_run_is_done_once() {
    let folder = Folder::new();
    let stores = [folder.open().await, folder.open().await];
    let mut starts = Vec::new();
    for store in &stores {
        let store = store.clone();
        starts.push(tokio::spawn(async move {
            let mut created = 0;
            for n in 0..60 {
                let started = store.start(new_run(&n.to_string())).await.unwrap();
                created += usize::from(started == Started::Created);
            }
            created
        }));
    }
    let mut created = 0;
    for start in starts {
        created += soon(start).await.unwrap();
    }
    assert_eq!(created, 60, "each id once, whoever came first");

    let shares = stores.clone().map(|store| tokio::spawn(drain(store)));
    let mut done = Vec::new();
    for share in shares {
        done.extend(soon(share).await.unwrap());
    }
    assert_eq!(done.len(), 60);
    assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), 60);
    let left = RunFilter::new().state(RunState::Pending);
    assert!(stores[0].runs(&left).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_another_process_writes_is_told() {
    let folder = Folder::new();
    let (here, there) = (folder.open().await, folder.open().await);
    let run = RunId::new("a").unwrap();
    let mut work = here.hints().watch_work();
    there.start(new_run("a")).await.unwrap();
    soon(work.changed()).await;
    let mut end = here.hints().watch_run(run.key());
    assert_eq!(drain(there).await, [run]);
    soon(end.changed()).await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_opening_again() {
    let folder = Folder::new();
    let store = folder.open().await;
    store.start(new_run("a")).await.unwrap();
    drop(store);
    let store = folder.open().await;
    assert_eq!(store.start(new_run("a")).await.unwrap(), Started::Attached);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_processes_create_the_file_at_once() {
    let folder = Folder::new();
    let mut tasks = Vec::new();
    for n in 0..8 {
        let file = folder.file();
        tasks.push(tokio::spawn(async move {
            let store = SqliteStore::open(file).await?;
            store.initialize().await?;
            store.start(new_run(&n.to_string())).await
        }));
    }
    for task in tasks {
        let started = soon(task).await.unwrap();
        assert_eq!(started.unwrap(), Started::Created);
    }
}

#[tokio::test]
async fn file_without_tables_is_refused_with_what_to_do() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).await.unwrap();
    let refusals = [
        store.check().await.unwrap_err(),
        store.start(new_run("a")).await.unwrap_err(),
        store.runs(&RunFilter::new()).await.unwrap_err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, StoreError::Schema { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("initialize()"), "{refusal}");
    }
    store.initialize().await.unwrap();
    store.check().await.unwrap();
    store.start(new_run("a")).await.unwrap();
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let folder = Folder::new();
    let store = folder.open().await;
    sqlx::query("INSERT INTO sagewai_migrations VALUES (9999, 'later', 0)")
        .execute(&mut folder.stranger().await)
        .await
        .unwrap();
    for refusal in [store.check().await, store.initialize().await] {
        let refusal = refusal.unwrap_err();
        assert!(matches!(refusal, StoreError::Schema { .. }), "{refusal:?}");
        assert!(refusal.to_string().contains("9999"), "{refusal}");
    }
}

#[tokio::test]
async fn file_that_is_no_database_is_refused_by_name() {
    let folder = Folder::new();
    std::fs::write(folder.file(), "Dear diary, ".repeat(100)).unwrap();
    let refusal = SqliteStore::open(folder.file()).await.unwrap_err();
    assert!(matches!(refusal, StoreError::Refused { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("runs.db"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn write_waits_for_another_process_that_writes() {
    let folder = Folder::new();
    let store = folder.open().await;
    let mut stranger = folder.stranger().await;
    let begin = "BEGIN IMMEDIATE";
    sqlx::query(begin).execute(&mut stranger).await.unwrap();
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.start(new_run("a")).await })
    };
    // Reads go on meanwhile.
    let run = RunId::new("a").unwrap();
    assert_eq!(store.run(&run).await.unwrap(), None);
    assert!(!waiting.is_finished());
    sqlx::query("COMMIT").execute(&mut stranger).await.unwrap();
    let started = soon(waiting).await.unwrap();
    assert_eq!(started.unwrap(), Started::Created);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caller_that_goes_away_does_not_keep_the_file() {
    let folder = Folder::new();
    let store = folder.open().await;
    let (key, serves) = worker(&store).await;
    for n in 0..40_u64 {
        store.start(new_run(&n.to_string())).await.unwrap();
        let patience = Duration::from_micros(n * 25);
        // Given up at some point between its begin and its end, or done; either is fine.
        let _ = tokio::time::timeout(patience, store.claim(key, &serves, 1)).await;
        let _ = tokio::time::timeout(patience, store.tick()).await;
    }
    let kept = soon(store.heartbeat(key, &[])).await.unwrap();
    assert_eq!(kept, sagewai::model::Lease::Kept);
    // What was claimed without anybody hearing of it is not lost.
    let mut held = store.strays(key, &[]).await.unwrap().len();
    held += store.claim(key, &serves, 100).await.unwrap().len();
    assert_eq!(held, 40);
}
