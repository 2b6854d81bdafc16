//! Probes of a worker over HTTP, while its database comes and goes and while it drains.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::demo::{Demo, Worker, there};
use crate::support::postgres::Cluster;
use crate::support::{soon, until};

/// Asks, as a kubelet does: the code, and what came with it.
async fn ask(address: &str, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (code, serde_json::from_str(body).unwrap_or_default())
}

/// A worker, and where it answers.
async fn worker(demo: &Demo, words: &[&str]) -> (Worker, String) {
    let mut worker = demo.worker(&[&["--health", "127.0.0.1:0"], words].concat());
    let line = worker.logs("answering probes").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    let address = line["fields"]["address"].as_str().unwrap().to_owned();
    (worker, address)
}

async fn until_code(address: &str, path: &str, code: u16) -> Value {
    until(async || {
        let (found, body) = ask(address, path).await;
        (found == code).then_some(body)
    })
    .await
}

#[tokio::test]
async fn worker_is_not_ready_while_its_database_is_away() {
    let mut cluster = Cluster::start();
    let database = cluster.database().await;
    let demo = Demo::at(&database.url);
    let (worker, address) = worker(&demo, &["--name", "w-1"]).await;
    let (code, body) = ask(&address, "/readyz").await;
    assert_eq!((code, body["status"].as_str()), (200, Some("ok")), "{body}");
    assert_eq!(
        (body["worker"].as_str(), &body["reasons"]),
        (Some("w-1"), &Value::Array(vec![]))
    );

    cluster.stop();
    let body = until_code(&address, "/readyz", 503).await;
    let reason = body["reasons"][0].as_str().unwrap();
    assert!(reason.contains("cannot be reached"), "{body}");
    assert_eq!(
        ask(&address, "/healthz").await.0,
        200,
        "starting it again would not help"
    );

    cluster.go_on();
    until_code(&address, "/readyz", 200).await;
    assert_eq!(ask(&address, "/nothing").await.0, 404);
    worker.stop().await;
}

#[tokio::test]
async fn draining_worker_is_alive_and_not_ready() {
    let demo = Demo::new();
    let (mut worker, address) = worker(&demo, &[]).await;
    let (begun, go) = (demo.path("begun"), demo.path("go"));
    let input = serde_json::json!({"begun": begun, "path": go}).to_string();
    let started = demo
        .run(&["start", "stand", "--id", "s", "--input", &input])
        .await;
    assert_eq!(started.code, Some(0), "{started:?}");
    there(&begun).await;

    worker.signal("TERM");
    let body = until_code(&address, "/readyz", 503).await;
    assert_eq!(body["reasons"][0], "it drains, and claims nothing more");
    assert_eq!(ask(&address, "/healthz").await.0, 200);

    demo.file("go", "");
    assert_eq!(worker.ended().await, Some(0), "{}", worker.logged);
    let store = sagewai::store::open(&demo.url()).await.unwrap();
    let run = store.run(&"s".try_into().unwrap()).await.unwrap().unwrap();
    assert_eq!(
        run.state,
        sagewai::RunState::Completed,
        "the step was let end"
    );
}
