//! What a worker brings along for its steps: who sees it, and that it stays in the process.

use sagewai::prelude::*;
use sagewai::store::AnyStore;
use sagewai::{
    InferenceParams, Secret, WorkerCredentials, with_worker_credentials, worker_credentials,
};
use sqlx::{AssertSqlSafe, Row};

use crate::on_every_store;
use crate::support::soon;

/// In every secret below; nothing of it may be found anywhere.
const CANARY: &str = "canary-5b0d";
/// In what a run leaves; the same search finds it.
const VISIBLE: &str = "visible-77ae";

/// The model by default, as this code sees it.
fn model() -> String {
    let credentials = worker_credentials();
    let model = credentials.as_ref().and_then(|c| c.model("default"));
    model.unwrap_or("none").to_owned()
}

#[step]
async fn asked(ctx: &StepContext) -> Result<Vec<String>> {
    let (left, right) = tokio::join!(async { model() }, async {
        tokio::task::yield_now().await;
        model()
    });
    let here = ctx.idempotency_key();
    let spawned = sagewai::spawn(async move {
        let context = StepContext::current().expect("a task of a step knows its step");
        assert_eq!(context.idempotency_key(), here);
        model()
    });
    let foreign = tokio::spawn(async { model() });
    Ok(vec![left, right, spawned.await?, foreign.await?])
}

#[step]
async fn plain() -> Result<String> {
    Ok(model())
}

/// What is seen in the body itself, which no worker's credentials may reach: its replay elsewhere would differ.
#[workflow]
async fn asks() -> Result<(String, Vec<String>)> {
    let of_body = model();
    Ok((of_body, asked().await?))
}

fn with_model(model: &str) -> WorkerCredentials {
    let credentials = WorkerCredentials::new().model_override("default", model);
    credentials.unwrap()
}

on_every_store! {
    async fn steps_see_those_of_their_own_worker(scene: Scene) {
        let local = scene.worker().pool("local").credentials(with_model("ollama/llama3.2"));
        let cloud = scene.worker().pool("cloud").credentials(with_model("gpt-4o"));
        let bare = scene.worker().pool("bare");
        let workers = [
            local.workflow(asks).start().await.unwrap(),
            cloud.workflow(asks).start().await.unwrap(),
            bare.workflow(asks).start().await.unwrap(),
        ];
        let expected = [("local", "ollama/llama3.2"), ("cloud", "gpt-4o"), ("bare", "none")];
        let mut runs = Vec::new();
        for (pool, model) in expected.iter().cycle().take(12) {
            runs.push((asks().pool(*pool).start(&scene.client).await.unwrap(), *model));
        }
        for (run, model) in runs {
            let (of_body, of_step) = soon(run.result()).await.unwrap();
            assert_eq!(of_body, "none");
            assert_eq!(of_step, [model, model, model, "none"]);
        }
        for worker in workers {
            worker.shutdown().await.unwrap();
        }
    }

    async fn secrets_are_not_in_the_store(scene: Scene) {
        let worker = scene
            .worker()
            .name(VISIBLE)
            .credentials(secrets())
            .workflow(uses_secrets);
        assert!(!format!("{worker:?}").contains(CANARY));
        let worker = worker.start().await.unwrap();
        assert!(!format!("{worker:?}").contains(CANARY));
        let good = uses_secrets(VISIBLE.into(), false).start(&scene.client).await.unwrap();
        let bad = uses_secrets(VISIBLE.into(), true).start(&scene.client).await.unwrap();
        let used = soon(good.result()).await.unwrap();
        assert_eq!(used, format!("{} bytes for {VISIBLE}", 4 * CANARY.len()));
        let error = soon(bad.result()).await.unwrap_err();
        let status = bad.status().await.unwrap();
        let journal = scene.client.journal(bad.id()).await.unwrap();
        let told = format!("{error} {error:?} {status:?} {journal:?} {:?}", scene.store);
        assert!(told.contains("WorkerCredentials") && told.contains("(set)"), "{told}");
        assert!(!told.contains(CANARY), "{told}");
        worker.shutdown().await.unwrap();
        if let Some(url) = &scene.url {
            let dump = dump(url).await;
            assert!(holds(&dump, VISIBLE), "the search finds what is there");
            assert!(!holds(&dump, CANARY), "a secret is in the store");
        }
    }
}

/// A secret in every field that takes a text.
fn secrets() -> WorkerCredentials {
    let params = InferenceParams::new()
        .api_base(format!("https://{CANARY}/v1"))
        .and_then(|p| p.api_key(CANARY))
        .and_then(|p| p.header("x-key", CANARY))
        .and_then(|p| p.extra("user", CANARY))
        .unwrap();
    WorkerCredentials::new()
        .env_override("TOKEN", CANARY)
        .and_then(|c| c.model_override("default", format!("compat/{CANARY}")))
        .unwrap()
        .inference_overrides(params)
}

/// Uses all of them, and complains with all that it can show of them.
#[step(retries = 1, retry_delay = 0.01)]
async fn use_secrets(fail: bool) -> Result<usize> {
    let credentials = worker_credentials().expect("its worker has them");
    let params = credentials.inference();
    let header = params.get_headers().get("x-key").map(Secret::expose);
    let all = [
        params.get_api_key().map(Secret::expose),
        params.get_extra()["user"].as_str(),
        credentials.env("TOKEN").map(Secret::expose),
        header,
    ];
    if fail {
        let key = params.get_api_key();
        return Err(anyhow::anyhow!("no luck with {credentials:?} {params:#?} {key:?}").into());
    }
    Ok(all.into_iter().flatten().map(str::len).sum())
}

#[workflow]
async fn uses_secrets(topic: String, fail: bool) -> Result<String> {
    let used = use_secrets(fail).await?;
    Ok(format!("{used} bytes for {topic}"))
}

/// All that a database holds.
async fn dump(url: &str) -> Vec<u8> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        // The file and what is not merged into it yet.
        let beside = [path.to_owned(), format!("{path}-wal")];
        let read = beside.iter().filter_map(|path| std::fs::read(path).ok());
        return read.collect::<Vec<_>>().concat();
    }
    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let tables = "SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
        WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'";
    let mut all = String::new();
    for table in sqlx::query(tables).fetch_all(&pool).await.unwrap() {
        let table: String = table.get("name");
        let rows = AssertSqlSafe(format!(
            "SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t"
        ));
        let text: String = sqlx::query_scalar(rows).fetch_one(&pool).await.unwrap();
        all.push_str(&text);
    }
    assert!(all.contains("uses_secrets"), "the tables were read");
    all.into_bytes()
}

/// Whether a text is in a dump, as it is or as the hexadecimal digits of its bytes.
fn holds(dump: &[u8], text: &str) -> bool {
    use std::fmt::Write;
    let mut hex = String::new();
    for byte in text.bytes() {
        write!(hex, "{byte:02x}").unwrap();
    }
    let found = |needle: &[u8]| dump.windows(needle.len()).any(|part| part == needle);
    found(text.as_bytes()) || found(hex.as_bytes())
}

#[tokio::test]
async fn credentials_of_one_task_are_not_seen_in_another() {
    assert!(worker_credentials().is_none());
    let (inside, beside) = tokio::join!(
        with_worker_credentials(with_model("a"), async {
            tokio::task::yield_now().await;
            model()
        }),
        async { model() }
    );
    assert_eq!((inside.as_str(), beside.as_str()), ("a", "none"));
    assert!(worker_credentials().is_none());
    // A step is the plain function outside of a workflow, and sees what is around it.
    let of_step = with_worker_credentials(with_model("b"), async { plain().await }).await;
    assert_eq!(of_step.unwrap(), "b");
}

#[tokio::test]
async fn environment_of_the_process_is_neither_read_nor_changed() {
    let path = std::env::var("PATH").unwrap();
    let credentials = WorkerCredentials::new()
        .env_override("PATH", "elsewhere")
        .unwrap();
    with_worker_credentials(credentials, async {
        let credentials = worker_credentials().unwrap();
        assert_eq!(
            credentials.env("PATH").map(Secret::expose),
            Some("elsewhere")
        );
        assert!(credentials.env("HOME").is_none());
        assert_eq!(std::env::var("PATH").as_deref(), Ok(path.as_str()));
    })
    .await;
}

#[tokio::test]
async fn credentials_given_twice_are_merged() {
    let store = AnyStore::new(sagewai::store::InMemoryStore::new());
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .credentials(with_model("first"))
        .credentials(WorkerCredentials::new().env_override("A", "1").unwrap())
        .credentials(with_model("second"))
        .workflow(asks)
        .start()
        .await
        .unwrap();
    let run = asks().start(&client).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().1[0], "second");
    worker.shutdown().await.unwrap();
}

#[tokio::test]
async fn task_of_a_step_ends_with_what_spawn_returned() {
    let (told, hears) = tokio::sync::oneshot::channel::<()>();
    let task = sagewai::spawn(async move {
        let _told = told;
        std::future::pending::<()>().await;
    });
    drop(task);
    assert!(soon(hears).await.is_err(), "its sender went with the task");
}
