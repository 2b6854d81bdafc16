//! `migrate`, on both databases.

use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::support::demo::Demo;
use crate::support::postgres;

async fn is_migrated_step_by_step(demo: &Demo) {
    let status = demo.run(&["migrate", "status"]).await;
    assert_eq!(status.code, Some(5), "{status:?}");
    assert!(
        status.out.contains("0001_core") && status.out.contains("missing"),
        "{}",
        status.out
    );
    assert!(status.err.contains("run `migrate up`"), "{}", status.err);
    let refused = demo.run(&["start", "ask", "--no-migrate"]).await;
    assert_eq!(refused.code, Some(5), "{refused:?}");

    let dry = demo
        .run(&["migrate", "up", "--dry-run", "--show-sql"])
        .await;
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert!(
        dry.out.contains("CREATE TABLE runs") && dry.err.contains("would apply 0001_core"),
        "{dry:?}"
    );
    assert_eq!(
        demo.run(&["migrate", "status"]).await.code,
        Some(5),
        "nothing has changed"
    );

    let up = demo.run(&["migrate", "up"]).await;
    assert_eq!(up.code, Some(0), "{up:?}");
    assert!(!up.out.contains("missing"), "{}", up.out);
    let status = demo.run(&["migrate", "status", "--output", "json"]).await;
    let told: Value = serde_json::from_str(&status.out).unwrap();
    let all = told["migrations"].as_array().unwrap();
    assert!(
        status.code == Some(0) && all.iter().all(|one| one["applied"] == true),
        "{told}"
    );
    let again = demo
        .run(&["migrate", "up", "--dry-run", "--show-sql"])
        .await;
    assert_eq!(
        (again.out.as_str(), again.err.as_str()),
        ("", "nothing is missing\n")
    );
    let started = demo.run(&["start", "ask", "--no-migrate"]).await;
    assert_eq!(started.code, Some(0), "{started:?}");
}

#[tokio::test]
async fn sqlite_is_migrated_step_by_step_and_looking_makes_no_file() {
    let demo = Demo::new();
    demo.run(&["migrate", "status"]).await;
    demo.run(&["migrate", "up", "--dry-run"]).await;
    assert_eq!(std::fs::read_dir(&demo.folder).unwrap().count(), 0);
    is_migrated_step_by_step(&demo).await;
}

#[tokio::test]
async fn postgres_is_migrated_step_by_step() {
    let database = postgres::database().await;
    is_migrated_step_by_step(&Demo::at(&database.url)).await;
}

/// What somebody applies who does not let programs create tables.
#[tokio::test]
async fn printed_statements_make_the_tables_of_this_version() {
    let database = postgres::database().await;
    let demo = Demo::at(&database.url);
    let script = demo.run(&["migrate", "print"]).await;
    let mut connection = database.connect().await;
    sqlx::raw_sql(AssertSqlSafe(script.out))
        .execute(&mut connection)
        .await
        .unwrap();
    let started = demo.run(&["start", "ask", "--no-migrate"]).await;
    assert_eq!(started.code, Some(0), "{started:?}");

    let demo = Demo::new();
    let script = demo.run(&["migrate", "print", "--dialect", "sqlite"]).await;
    let url = format!("{}?mode=rwc", demo.url());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(script.out))
        .execute(&mut connection)
        .await
        .unwrap();
    drop(connection);
    let started = demo.run(&["start", "ask", "--no-migrate"]).await;
    assert_eq!(started.code, Some(0), "{started:?}");
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let database = postgres::database().await;
    let demo = Demo::at(&database.url);
    assert_eq!(demo.run(&["migrate", "up"]).await.code, Some(0));
    let newer = "INSERT INTO sagewai.sagewai_migrations VALUES (999, 'of_tomorrow', 0)";
    sqlx::query(newer)
        .execute(&mut database.connect().await)
        .await
        .unwrap();
    for words in [["migrate", "status"], ["migrate", "up"], ["start", "ask"]] {
        let refused = demo.run(&words).await;
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(
            refused.err.contains("they have version 999"),
            "{}",
            refused.err
        );
    }
}
