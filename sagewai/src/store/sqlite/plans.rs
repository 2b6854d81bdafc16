//! Looks at the plans of all statements: none may walk through a table that grows with the number of runs.

use sqlx::{AssertSqlSafe, Row};

use super::bulk::Bulk;
use super::{
    SqliteStore, admission, claim, fleet, flush, journal, limited, query, queue, queues, rows,
};
use crate::store::{Schema, sql};

/// Tables with a row for each run, or more.
const LARGE: [&str; 12] = [
    "runs",
    "checkpoints",
    "events",
    "gates",
    "signals",
    "queue",
    "timers",
    "endings",
    "put_off",
    "debounces",
    "slots",
    "pace",
];

const SINGLE: &[&str] = &[
    admission::FORGET_KEYS,
    claim::ANY_ORPHANS,
    claim::ASSIGNED,
    claim::CLAIMABLE,
    claim::FIRST,
    claim::FORGET_ORPHANS,
    claim::ORPHANS,
    claim::SERVED,
    claim::WORKER,
    fleet::ANY_ASSIGNED,
    fleet::BACKLOG,
    fleet::CANDIDATES,
    fleet::FORGET_ASSIGNED,
    journal::FENCE,
    limited::ADD_PACE,
    limited::FIRST_OF_LANE,
    limited::FORGET_PACE,
    limited::FREE_SLOTS,
    limited::HAS_FRESH,
    limited::HEADS,
    limited::PACE,
    limited::SLOTS,
    queue::BURY,
    queue::BURY_EXPIRED,
    queue::CLOCK,
    queue::DISARM_DUE,
    queue::DUE,
    queue::HEARTBEAT,
    queue::REGISTER,
    queues::ADD,
    queues::FIND,
    sql::ARM,
    sql::CHANGE_SCHEDULE,
    sql::CHECKPOINTS,
    sql::CHILDREN,
    sql::CREATE_SCHEDULE,
    sql::DELETE_CHECKPOINT,
    sql::DELETE_ENDING,
    sql::DELETE_GATE,
    sql::DELETE_SCHEDULE,
    sql::DELETE_SIGNAL,
    sql::DEPTH,
    sql::DEQUEUE,
    sql::DISARM,
    sql::DUE_SCHEDULES,
    sql::ENDINGS,
    sql::END_CHILDREN,
    sql::ENQUEUE,
    sql::EVENTS,
    sql::EVENT_IDS,
    sql::FORGET_ASSIGNMENTS,
    sql::FORGET_ENDINGS,
    sql::FORGET_WORKERS,
    sql::FORGET_PUT_OFF,
    sql::GATE,
    sql::GATES,
    sql::HAS_EVENT,
    sql::INSERT_CHECKPOINT,
    sql::INSERT_EVENT,
    sql::KEEP_KEY,
    sql::LAST_ORDINAL,
    sql::LOCK_KEY,
    sql::LOCK_WORKFLOW,
    sql::MESSAGES,
    sql::NAME_HOLDER,
    sql::NOTE_PUT_OFF,
    sql::POSITIONS_OF_EPOCH,
    sql::PUT_ASSIGNMENT,
    sql::PUT_GATE,
    sql::PUT_RUN,
    sql::PUT_SIGNAL,
    sql::REPLACE_INPUT,
    sql::REPLACE_RUN,
    sql::PUT_WISH,
    sql::RUN,
    sql::DONE,
    sql::SCHEDULE,
    sql::SIGNAL,
    sql::SIGNALS,
    sql::STARTED_FOR,
    sql::WISH,
    query::WAKES,
];

static BULK: [&Bulk; 22] = [
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
    &journal::OUTPUTS,
    &queue::DISARM,
    &queue::ENQUEUE,
    &queue::RAISE_WAKES,
    &queue::WAKE_DUE,
    &rows::DELETE_SIGNALS,
    &rows::INSERT_CHECKPOINTS,
    &rows::INSERT_EVENTS,
    &rows::INSERT_GATES,
    &rows::MOVE,
    &rows::SET_HEADERS,
    &rows::WITHDRAW_GATES,
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
        include_str!("admission.rs"),
        include_str!("claim.rs"),
        include_str!("fleet.rs"),
        include_str!("flush.rs"),
        include_str!("journal.rs"),
        include_str!("limited.rs"),
        include_str!("queue.rs"),
        include_str!("queues.rs"),
        include_str!("rows.rs"),
    ]
    .concat();
    // Four more: rows for timers, endings, slots and assignments go in by their values alone, which no plan is made for.
    assert_eq!(sources.matches(": Bulk =").count(), BULK.len() + 4);
    let own = SINGLE.len() - 51;
    assert_eq!(sources.matches("pub(super) const").count(), own);
}
