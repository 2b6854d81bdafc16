//! What stands in `deploy/` to copy: as far as a machine without a cluster can tell, it is right.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::Value;

use crate::support::demo::Demo;

fn deploy(path: &str) -> PathBuf {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap();
    root.join("deploy").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(deploy(path)).unwrap()
}

/// Runs a tool that only some machines have.
fn tool(name: &str, arguments: &[&str]) -> Option<Output> {
    Command::new(name).args(arguments).output().ok()
}

/// Each flag is one that a worker takes, as is its value.
async fn worker_takes(words: &[&str]) {
    let demo = Demo::new();
    assert_eq!(words[0], "worker");
    // The last flag is asked for after all others were read.
    let told = demo
        .run(&[words, &["--concurrency", "none"]].concat())
        .await;
    assert!(
        told.err.contains("'none' for '--concurrency <RUNS>'"),
        "{words:?}: {told:?}"
    );
}

fn seconds(text: &str) -> u64 {
    text.trim_end_matches('s').parse().unwrap()
}

#[tokio::test]
async fn systemd_unit_is_verified_and_waits_for_the_drain() {
    let unit = read("systemd/articles-worker@.service");
    let value = |key: &str| {
        let mut lines = unit
            .lines()
            .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        lines.next().unwrap_or_else(|| panic!("no {key}"))
    };
    let words: Vec<&str> = value("ExecStart").split(' ').skip(1).collect();
    worker_takes(&words).await;
    let drain = words
        .iter()
        .skip_while(|word| **word != "--drain-timeout")
        .nth(1)
        .unwrap();
    assert!(seconds(value("TimeoutStopSec")) > seconds(drain));
    assert_eq!(value("RestartPreventExitStatus"), "2");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("articles-worker@1.service");
    let program = env!("CARGO_BIN_EXE_demo");
    std::fs::write(&file, unit.replace("/usr/local/bin/articles", program)).unwrap();
    let verified = tool(
        "systemd-analyze",
        &["verify", "--man=no", file.to_str().unwrap()],
    );
    if let Some(verified) = verified {
        let told = String::from_utf8_lossy(&verified.stderr).into_owned();
        let of_ours = told.lines().filter(|line| line.contains("articles-worker"));
        assert_eq!(of_ours.collect::<Vec<_>>(), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn kubernetes_manifests_are_whole_and_their_times_fit() {
    let text = read("kubernetes/worker.yaml");
    let parts = serde_yaml_ng::Deserializer::from_str(&text);
    let parts: Vec<Value> = parts
        .map(|part| Value::deserialize(part).unwrap())
        .collect();
    let [deployment, budget] = parts.as_slice() else {
        panic!("a Deployment and a PodDisruptionBudget");
    };
    assert_eq!(
        (&deployment["kind"], &budget["kind"]),
        (&"Deployment".into(), &"PodDisruptionBudget".into())
    );
    let pod = &deployment["spec"]["template"];
    let labels = &pod["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&budget["spec"]["selector"]["matchLabels"], labels);
    assert!(budget["spec"]["minAvailable"].as_u64() < deployment["spec"]["replicas"].as_u64());

    let worker = &pod["spec"]["containers"][0];
    let words = worker["args"].as_array().unwrap();
    let words: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
    worker_takes(&words).await;
    let drain = words
        .iter()
        .find_map(|word| word.strip_prefix("--drain-timeout="))
        .unwrap();
    let grace = pod["spec"]["terminationGracePeriodSeconds"]
        .as_u64()
        .unwrap();
    assert!(grace > seconds(drain));

    for (probe, path) in [
        ("startupProbe", "/readyz"),
        ("livenessProbe", "/healthz"),
        ("readinessProbe", "/readyz"),
    ] {
        let asked = &worker[probe]["httpGet"];
        assert_eq!(
            (&asked["path"], &asked["port"]),
            (&path.into(), &"health".into())
        );
    }
    let port = worker["ports"][0]["containerPort"].as_u64().unwrap();
    assert!(words.contains(&format!("--health=0.0.0.0:{port}").as_str()));

    // It reads the manifest into its own types, and what it does not know gets lost on the way.
    let file = deploy("kubernetes/worker.yaml");
    let arguments = [
        "set",
        "image",
        "--local",
        "--output=json",
        "worker=x",
        "--filename",
    ];
    let Some(read) = tool(
        "kubectl",
        &[&arguments[..], &[file.to_str().unwrap()]].concat(),
    ) else {
        return;
    };
    let mut read = serde_json::Deserializer::from_slice(&read.stdout);
    let read = Value::deserialize(&mut read).expect("kubectl reads the manifest");
    let mut written = deployment.clone();
    written["spec"]["template"]["spec"]["containers"][0]["image"] = "x".into();
    assert_eq!(lost(&written, &read, "deployment"), Vec::<String>::new());
}

/// What of `written` is not in `read`.
fn lost(written: &Value, read: &Value, at: &str) -> Vec<String> {
    match (written, read) {
        (Value::Object(written), Value::Object(_)) => written
            .iter()
            .flat_map(|(key, value)| lost(value, &read[key], &format!("{at}.{key}")))
            .collect(),
        (Value::Array(written), Value::Array(found)) if written.len() == found.len() => written
            .iter()
            .zip(found)
            .enumerate()
            .flat_map(|(n, (value, found))| lost(value, found, &format!("{at}.{n}")))
            .collect(),
        // An empty object and none are the same to it.
        (written, found)
            if written == found || (written == &serde_json::json!({}) && found.is_null()) =>
        {
            Vec::new()
        }
        _ => vec![format!("{at}: {written} became {read}")],
    }
}

#[tokio::test]
async fn image_takes_its_binary_from_a_stage_that_is_there_and_runs_without_rights() {
    let text = read("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let steps: Vec<(&str, &str)> = lines.map(|line| line.split_once(' ').unwrap()).collect();
    let known = [
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "USER",
        "ENV",
        "EXPOSE",
        "STOPSIGNAL",
        "ENTRYPOINT",
        "CMD",
    ];
    assert!(
        steps.iter().all(|(step, _)| known.contains(step)),
        "{steps:?}"
    );
    let last = steps.iter().rposition(|(step, _)| *step == "FROM").unwrap();
    let (build, image) = steps.split_at(last);
    let stage = build[0].1.rsplit(" AS ").next().unwrap();
    let of = |name: &str| {
        let mut found = image.iter().filter(|(step, _)| *step == name);
        found.next().unwrap_or_else(|| panic!("no {name}")).1
    };
    assert!(of("COPY").starts_with(&format!("--from={stage} ")));
    assert_ne!(of("USER").split(':').next(), Some("0"));
    let entry: Vec<String> =
        serde_json::from_str(of("ENTRYPOINT")).expect("a list, so without a shell");
    assert!(of("COPY").ends_with(&entry[0]));
    let words: Vec<String> = serde_json::from_str(of("CMD")).expect("a list, so without a shell");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    worker_takes(&words).await;
    let port = of("EXPOSE");
    assert!(words.iter().any(|word| word.ends_with(&format!(":{port}"))));
    // The same Rust that this workspace asks for.
    let manifest = std::fs::read_to_string(deploy("../Cargo.toml")).unwrap();
    let version = build[0].1.split([':', '-']).nth(1).unwrap();
    assert!(manifest.contains(&format!("rust-version = \"{version}\"")));
}
