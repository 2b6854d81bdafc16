//! Looks at the plans of all statements: none may walk through a table that grows with the number of runs.

use sqlx::{AssertSqlSafe, Row};

use super::bulk::Bulk;
use super::{SqliteStore, claim, flush, journal, queue, queues, rows};
use crate::store::{Schema, sql};

/// Tables with a row for each run, or more.
const LARGE: [&str; 6] = ["runs", "checkpoints", "events", "gates", "queue", "timers"];

const SINGLE: &[&str] = &[
    claim::ANY_ORPHANS,
    claim::CLAIMABLE,
    claim::FIRST,
    claim::FORGET_ORPHANS,
    claim::ORPHANS,
    claim::SERVED,
    claim::WORKER,
    journal::FENCE,
    journal::STANDING,
    queue::BURY,
    queue::BURY_EXPIRED,
    queue::CLOCK,
    queue::DISARM_DUE,
    queue::DUE,
    queue::HEARTBEAT,
    queue::NEXT_DUE,
    queue::REGISTER,
    queues::ADD,
    queues::FIND,
    sql::CHANGE_SCHEDULE,
    sql::CHECKPOINTS,
    sql::CREATE_SCHEDULE,
    sql::DECIDE,
    sql::DELETE_CHECKPOINT,
    sql::DELETE_SCHEDULE,
    sql::DISARM,
    sql::DUE_SCHEDULES,
    sql::ENQUEUE,
    sql::EVENTS,
    sql::EVENT_IDS,
    sql::GATE,
    sql::GATES,
    sql::INSERT_EVENT,
    sql::MAKE_PENDING,
    sql::POSITIONS_OF_EPOCH,
    sql::RAISE_WAKES,
    sql::RUN,
    sql::SCHEDULE,
    sql::STARTED_FOR,
    sql::WAKES,
];

static BULK: [&Bulk; 16] = [
    &claim::BEFORE,
    &claim::RETAKE,
    &claim::RUNS,
    &claim::TAKE,
    &claim::UNQUEUE,
    &flush::FENCE,
    &flush::INSERT_RUNS,
    &journal::CHECKPOINTS,
    &journal::EVENTS,
    &journal::GATES,
    &queue::ENQUEUE,
    &queue::WAKE_DUE,
    &rows::INSERT_CHECKPOINTS,
    &rows::INSERT_EVENTS,
    &rows::INSERT_GATES,
    &rows::MOVE,
];

#[tokio::test]
async fn no_statement_walks_through_a_large_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("runs.db"))
        .await
        .unwrap();
    store.initialize().await.unwrap();
    let mut tx = store.writer().begin().await.unwrap();
    let bulk = BULK
        .iter()
        .map(|bulk| bulk.parts(&[0; 8]).next().unwrap().0);
    for statement in SINGLE.iter().copied().chain(bulk) {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        for line in sqlx::query(explain).fetch_all(&mut *tx).await.unwrap() {
            let line: String = line.get("detail");
            let scanned = line.strip_prefix("SCAN ").unwrap_or_default();
            let scanned = scanned.split(' ').next().unwrap_or_default();
            // A plan names tables as the statement does.
            let large = LARGE.iter().any(|table| {
                scanned == *table || statement.contains(&format!(" {table} {scanned} "))
            });
            assert!(scanned.is_empty() || !large, "{line} in: {statement}");
        }
    }
}

#[test]
fn every_statement_is_looked_at() {
    let sources = [
        include_str!("claim.rs"),
        include_str!("flush.rs"),
        include_str!("journal.rs"),
        include_str!("queue.rs"),
        include_str!("queues.rs"),
        include_str!("rows.rs"),
    ]
    .concat();
    // One more: rows for timers go in by their values alone, which no plan is made for.
    assert_eq!(sources.matches(": Bulk =").count(), BULK.len() + 1);
    let own = SINGLE.len() - 21;
    assert_eq!(sources.matches("pub(super) const").count(), own);
}
