//! The same work on Restate: a server of its own beside the service, both started here; `RESTATE_SERVER` names the
//! program. The URL is not used, since it keeps its own log.

use std::process::Stdio;
use std::sync::OnceLock;

use driver::Work;
use restate_sdk::prelude::*;
use serde_json::Value;

static WORK: OnceLock<Work> = OnceLock::new();

const INGRESS: &str = "http://127.0.0.1:8080/Bench";

async fn payload() -> HandlerResult<Json<Value>> {
    Ok(Json(WORK.get().expect("it is set first").payload()))
}

struct Bench;

#[service]
impl Bench {
    #[handler]
    async fn three_steps(&self, ctx: Context<'_>, _n: Json<u64>) -> Result<Json<Value>, TerminalError> {
        let _: Json<Value> = ctx.run(payload).name("first").await?;
        let _: Json<Value> = ctx.run(payload).name("second").await?;
        ctx.run(payload).name("third").await
    }

    #[handler]
    async fn many_steps(&self, ctx: Context<'_>, steps: Json<u64>) -> Result<Json<u64>, TerminalError> {
        let steps = steps.into_inner();
        for _ in 0..steps {
            let _: Json<Value> = ctx.run(payload).name("nth").await?;
        }
        Ok(Json(steps))
    }
}

async fn call(client: &reqwest::Client, url: String, body: String) {
    let request = client.post(url).header("content-type", "application/json").body(body);
    let answer = request.send().await.expect("it answers");
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    assert!(status.is_success(), "{status} {text}");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let work = WORK.get_or_init(Work::from_args);
    let folder = std::env::temp_dir().join(format!("peer-restate-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut server = tokio::process::Command::new(std::env::var("RESTATE_SERVER")?)
        .arg("--base-dir")
        .arg(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    println!("server {}", server.id().unwrap_or(0));
    tokio::spawn(async {
        let endpoint = Endpoint::builder().bind(Bench).build();
        let address = "127.0.0.1:9080".parse().expect("it is an address");
        HttpServer::new(endpoint).listen_and_serve(address).await;
    });
    let client = reqwest::Client::builder().pool_max_idle_per_host(200).build()?;
    // Until it is there.
    let health = || client.get("http://127.0.0.1:9070/health").send();
    while !health().await.is_ok_and(|answer| answer.status().is_success()) {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let deployments = "http://127.0.0.1:9070/deployments".to_owned();
    call(&client, deployments, r#"{"uri":"http://127.0.0.1:9080"}"#.to_owned()).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    match work.name.as_str() {
        "life" => {
            driver::life(work, move |n| {
                let client = client.clone();
                async move { call(&client, format!("{INGRESS}/three_steps"), n.to_string()).await }
            })
            .await;
        }
        "long" => {
            driver::long(work, |steps| call(&client, format!("{INGRESS}/many_steps"), steps.to_string())).await;
        }
        other => return Err(format!("no work named {other}").into()),
    }
    server.kill().await?;
    std::fs::remove_dir_all(&folder)?;
    std::process::exit(0);
}
