//! How PostgreSQL goes about each statement, before there is anything in the tables and when they are large.

use sagewai::store::{AnyStore, PostgresStore};
use sqlx::{Executor, PgConnection};

use crate::support::postgres::database;

#[tokio::test]
async fn every_statement_goes_by_key_whether_planned_on_empty_or_on_large_tables() {
    let database = database().await;
    let store = database.store().await;
    AnyStore::from(&store).initialize().await.unwrap();
    // Plans are made once, often when a program starts for the first time, and kept while the tables grow.
    assert_goes_by_key(&store).await;
    fill(&mut database.connect().await).await;
    assert_goes_by_key(&store).await;
}

/// The tables that grow, and the columns of which one leads to few rows.
const LARGE: &[(&str, &[&str])] = &[
    ("runs", &["run_key =", "parent_key ="]),
    ("held", &["worker ="]),
    ("queue", &["queue_id =", "ctid ="]),
    ("timers", &["due_at"]),
    ("checkpoints", &["run_key ="]),
    ("events", &["run_key ="]),
    ("gates", &["run_key ="]),
    ("signals", &["run_key ="]),
    ("endings", &["run_key =", "due_at"]),
    ("put_off", &["workflow ="]),
    ("debounces", &["workflow =", "until", "ctid ="]),
    ("slots", &["workflow ="]),
    ("pace", &["workflow =", "until <=", "ctid ="]),
];

async fn assert_goes_by_key(store: &PostgresStore) {
    // These read in the order of an index, from its end, and stop.
    let in_order = ["RUNS", "OPEN_GATES"];
    for (name, plan) in store.explain_statements().await.unwrap() {
        // It counts all of them, for a screen.
        if name == "COUNTS" {
            continue;
        }
        let shown = plan.join("\n");
        for step in ["Hash Join", "Merge Join", "Seq Scan on runs"] {
            assert!(!shown.contains(step), "{name} has a {step}:\n{shown}");
        }
        for (n, step) in plan.iter().enumerate() {
            let table = step
                .split(" on ")
                .nth(1)
                .and_then(|on| on.split(' ').next());
            let table = LARGE.iter().find(|(large, _)| table == Some(*large));
            let Some((_, keys)) = table.filter(|_| step.contains("Scan")) else {
                continue;
            };
            // The condition stands below the step.
            let condition = plan
                .get(n + 1)
                .filter(|next| next.contains("Index Cond") || next.contains("TID Cond"));
            let by_key =
                condition.is_some_and(|condition| keys.iter().any(|key| condition.contains(key)));
            assert!(
                by_key || in_order.contains(&name),
                "{name} does not go by key:\n{shown}"
            );
            // An index that happens to be small now is no way to one row.
            if ["END", "FLUSH", "KEEP", "MIX", "MOVE"].contains(&name) && step.contains(" on runs")
            {
                assert!(
                    step.contains("runs_pkey"),
                    "{name} does not go by key:\n{shown}"
                );
            }
        }
    }
}

/// Tables as after a while.
async fn fill(connection: &mut PgConnection) {
    connection
        .execute(
            "SET search_path = sagewai;
             INSERT INTO queues (workflow, version, pool, labels) SELECT 'w' || n, 1, 'default', '{}' FROM generate_series(1, 50) n;
             INSERT INTO workers (worker, name, exclusive, pool, labels, slots, lease_us, host, program, started_at, seen_at,
                                  lease_until)
             SELECT gen_random_uuid(), 'w', false, 'default', '{}', 1, 1, 'h', '{}', n, n, n FROM generate_series(1, 500) n;
             INSERT INTO runs (run_key, run_id, queue_id, state, fingerprint, created_at)
             SELECT gen_random_uuid(), 'r' || n, 1 + n % 50, 'pending', 0, n FROM generate_series(1, 20000) n;
             INSERT INTO held SELECT worker, gen_random_uuid(), array[gen_random_uuid()]
             FROM workers, generate_series(1, 20);
             INSERT INTO queue (queue_id, since, run_key) SELECT queue_id, created_at, run_key FROM runs;
             INSERT INTO slots SELECT 'w' || n % 50, gen_random_uuid(), 'l' || n FROM generate_series(1, 20000) n;
             INSERT INTO pace SELECT 'w' || n % 50, 'l' || n, n, 1 FROM generate_series(1, 20000) n;
             INSERT INTO timers SELECT created_at, run_key FROM runs;
             INSERT INTO endings SELECT created_at, run_key, 'deadline' FROM runs;
             INSERT INTO signals SELECT run_key, 1, 'id', 'payment', '1', NULL, 0 FROM runs;
             UPDATE runs SET parent_key = run_key;
             INSERT INTO checkpoints
             SELECT run_key, '$input', 0, 'input', 0, 0, 0, 0, 'ok', '{}', 0, 0 FROM runs;
             INSERT INTO events SELECT run_key, gen_random_uuid(), 0, 'parked', '{}' FROM runs;
             INSERT INTO gates (run_key, name, asked_at) SELECT run_key, 'review', 0 FROM runs;
             ANALYZE",
        )
        .await
        .unwrap();
}
