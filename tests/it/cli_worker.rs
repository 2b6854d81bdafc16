//! `worker`: where its settings come from, and that its secrets stay in its process.

use std::time::Duration;

use sagewai::WorkerRecord;

use crate::support::demo::Demo;

const FILE: &str = r#"
[worker]
name = "of-file"
pool = "of-file"
labels = { zone = "eu" }
concurrency = 7
lease = "12s"
"#;

/// The newest worker that a store knows.
async fn newest(demo: &Demo) -> WorkerRecord {
    let store = sagewai::store::open(&demo.url()).await.unwrap();
    store.workers(Duration::MAX).await.unwrap().remove(0)
}

#[tokio::test]
async fn flag_wins_over_environment_and_environment_over_file() {
    let demo = Demo::new();
    demo.file("sagewai.toml", FILE);
    for (words, variable, name, pool, labels) in [
        (vec![], None, "of-file", "of-file", "zone=eu"),
        (
            vec![],
            Some("of-env"),
            "of-file",
            "of-env",
            "gpu=true zone=us",
        ),
        (
            vec!["--pool", "of-flag", "--name", "n"],
            Some("of-env"),
            "n",
            "of-flag",
            "gpu=true zone=us",
        ),
    ] {
        let mut command = demo.command(&["worker", "--log-format", "json"]);
        command.args(&words);
        if let Some(pool) = variable {
            command.env("SAGEWAI_POOL", pool);
            command.env("SAGEWAI_LABELS", "gpu=true,zone=us");
        }
        let mut worker = crate::support::demo::Worker::of(command);
        worker.logs("worker registered").await;
        let found = newest(&demo).await.registered;
        assert_eq!((found.name.as_str(), found.pool.as_str()), (name, pool));
        assert_eq!(found.labels.to_string(), labels);
        assert_eq!((found.slots, found.lease), (7, Duration::from_secs(12)));
        worker.stop().await;
    }
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_told_before_anything_starts() {
    let demo = Demo::new();
    demo.file("typo.toml", "[worker]\nconcurency = 3\n");
    for (words, told) in [
        (
            vec!["--config", "typo.toml"],
            "unknown key `worker.concurency`; did you mean `concurrency`?",
        ),
        (vec!["--config", "none.toml"], "none.toml cannot be read"),
        (
            vec!["--lease", "3s", "--heartbeat-interval", "2s"],
            "more than half of the lease",
        ),
        (vec!["--concurrency", "0"], "a concurrency of 0"),
        (vec!["--health", "9090"], "invalid socket address"),
        (
            vec!["--log", "sagewai=loud"],
            "log levels `sagewai=loud` cannot be used",
        ),
        (vec!["--pool", " "], "pool ` ` cannot be used"),
    ] {
        let refused = demo.run(&[&["worker"], words.as_slice()].concat()).await;
        assert_eq!(refused.code, Some(2), "{words:?}: {refused:?}");
        assert!(
            refused.err.contains(told),
            "{told} is not in {}",
            refused.err
        );
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = demo.run(&["worker", "--health", &address]).await;
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("probes cannot be answered at"),
        "{}",
        refused.err
    );
}

/// All that a process says, at the finest level, its driver of the database included.
#[tokio::test]
async fn secrets_of_a_worker_are_in_none_of_its_logs_and_errors() {
    const CANARY: &str = "canary-91c2";
    for store in ["sqlite", "postgres"] {
        let database = crate::support::postgres::database().await;
        let demo = match store {
            "sqlite" => Demo::new(),
            _ => Demo::at(&database.url),
        };
        let mut command = demo.command(&["worker", "--log", "trace", "--log-format", "json"]);
        command.env("DEMO_SECRET", CANARY);
        let mut worker = crate::support::demo::Worker::of(command);
        worker.logs("worker registered").await;
        let run = async |fail: &str| {
            let input = format!(r#"{{"fail": {fail}}}"#);
            demo.run(&[
                "start",
                "ask_model",
                "--input",
                &input,
                "--wait",
                "--log",
                "trace",
            ])
            .await
        };
        // Its pipe holds little, and it logs much.
        let log = tokio::spawn(async move {
            worker.logs("worker signed off").await;
            assert_eq!(worker.ended().await, Some(0));
            worker.logged
        });
        let good = run("false").await;
        assert_eq!(good.out.trim(), CANARY.len().to_string(), "{good:?}");
        let bad = run("true").await;
        assert_eq!(bad.code, Some(1));
        assert!(
            bad.err.contains("Secret(..)"),
            "it complains with all it has: {}",
            bad.err
        );
        let process = newest(&demo).await.registered.name;
        let process = process.split('-').next().unwrap();
        let sent = std::process::Command::new("kill")
            .args(["-TERM", process])
            .status();
        assert!(sent.unwrap().success());
        let log = crate::support::soon(log).await.unwrap();
        assert!(
            log.contains("\"DEBUG\"") && log.contains("calling"),
            "all was logged"
        );
        for told in [&log, &good.err, &bad.err, &bad.out] {
            assert!(!told.contains(CANARY), "a secret was told on {store}");
        }
    }
}
