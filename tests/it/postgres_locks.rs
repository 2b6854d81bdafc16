//! Runs whose rows somebody else has locked for a while, in PostgreSQL.

use std::time::Duration;

use sagewai::RunState;
use sagewai::model::{Act, Answer, NewRun, Then, Tick, Verdict};
use sagewai::store::AnyStore;
use sqlx::{Connection, Executor};

use crate::postgres_store::{claim_new, commit_of, initialized, new_run};
use crate::support::postgres::{Database, database};
use crate::support::{soon, until};

async fn tick_after(store: &AnyStore, wait: Duration) -> Tick {
    let begun = store.now().await.unwrap();
    until(async || (begun.until(store.now().await.unwrap()) > wait).then_some(())).await;
    store.tick().await.unwrap()
}

/// Returns when a session waits for a lock.
async fn until_somebody_waits(database: &Database) {
    let mut watcher = database.connect().await;
    until(async || {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock')",
        )
        .fetch_one(&mut watcher)
        .await
        .unwrap();
        waits.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timer_of_a_run_that_is_locked_is_looked_at_again_soon() {
    let database = database().await;
    let store = initialized(&database).await;
    let delayed = NewRun {
        delay: Duration::from_millis(1),
        ..new_run("locked")
    };
    store.start(delayed.clone()).await.unwrap();
    let far = NewRun {
        delay: Duration::from_mins(10),
        ..new_run("far")
    };
    store.start(far).await.unwrap();
    let mut other = database.connect().await;
    let mut tx = other.begin().await.unwrap();
    tx.execute("SELECT FROM sagewai.runs WHERE run_id = 'locked' FOR UPDATE")
        .await
        .unwrap();
    let tick = soon(tick_after(&store, delayed.delay)).await;
    assert_eq!(tick.woken, 0);
    let next = tick.next_due.unwrap();
    assert!(next < Duration::from_millis(50), "{next:?}");
    tx.rollback().await.unwrap();
    assert_eq!(store.tick().await.unwrap().woken, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_waits_for_a_claim_on_its_way_and_takes_the_run_from_it() {
    let database = database().await;
    let store = initialized(&database).await;
    store.start(new_run("queued")).await.unwrap();
    let mut other = database.connect().await;
    // As a claim does: the place in the queue first, and then the run.
    let mut tx = other.begin().await.unwrap();
    tx.execute("DELETE FROM sagewai.queue").await.unwrap();
    let run = new_run("queued").id;
    let cancelling = tokio::spawn({
        let (store, run) = (store.clone(), run.clone());
        let act = Act::Cancel {
            by: "ann".to_owned(),
            reason: "no longer needed".to_owned(),
        };
        async move { store.act(&run, &act).await.unwrap() }
    });
    until_somebody_waits(&database).await;
    // Would wait for the cancel, if that had locked the run.
    tx.execute("SET LOCAL lock_timeout = '1ms'").await.unwrap();
    tx.execute("UPDATE sagewai.runs SET state = 'running', epoch = 1, worker = gen_random_uuid()")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let answer = soon(cancelling).await.unwrap();
    let Answer::Done(before) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(before.epoch, 1);
    let after = store.run(&run).await.unwrap().unwrap();
    assert_eq!(after.state, RunState::Cancelled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_of_a_commit_whose_run_was_moved_on_the_way_are_stored() {
    let database = database().await;
    let store = initialized(&database).await;
    let claimed = claim_new(&store, 6).await;
    let mut other = database.connect().await;
    // As a cancel does, in the middle of it.
    let mut tx = other.begin().await.unwrap();
    tx.execute(
        "UPDATE sagewai.runs SET state = 'cancelled', finished_at = 1 WHERE run_id = 'run-3'",
    )
    .await
    .unwrap();
    let commits = claimed.iter().map(|claimed| {
        let store = store.clone();
        let mut commit = commit_of(claimed, 1);
        commit.then = Then::HandBack;
        tokio::spawn(async move { store.commit(commit).await.unwrap() })
    });
    let commits: Vec<_> = commits.collect();
    until_somebody_waits(&database).await;
    tx.commit().await.unwrap();
    for (claimed, commit) in claimed.iter().zip(commits) {
        let is_moved = claimed.run.id.as_str() == "run-3";
        let verdict = soon(commit).await.unwrap();
        let journal = store.journal(&claimed.run.id).await.unwrap().unwrap();
        assert_eq!(journal.at("step#1").is_some(), !is_moved);
        assert_eq!(verdict == Verdict::Fenced, is_moved);
    }
}
