//! Two pools of workers in processes of their own, with different models behind the same step: a local one on the
//! machines with a GPU, a provider's everywhere else.
//!
//! ```sh
//! cargo run --example gpu_pool
//! ```
//!
//! plays all of it on this machine, without a network: two pretended models, two worker processes, six runs. In earnest,
//! each machine runs one of
//!
//! ```sh
//! LOCAL_MODEL=http://localhost:11434 gpu_pool worker --pool gpu --label gpu=true
//! OPENAI_API_KEY=sk-… gpu_pool worker --pool cloud
//! ```

mod model;

use std::env;
use std::process::ExitCode;

use sagewai::cli::{App, WorkerSettings};
use sagewai::prelude::*;
use sagewai::{InferenceParams, WorkerCredentials, worker_credentials};
use tokio::process::{Child, Command};

/// The step knows no address and no key: it uses what its worker brings along.
#[step(retries = 3, retry_delay = 0.2, timeout = "30s")]
async fn ask(question: &str) -> Result<String> {
    let Some(credentials) = worker_credentials() else {
        return Err(Failure::terminal(std::io::Error::other(
            "this worker has no model",
        )));
    };
    let model = credentials.model("default").unwrap_or("gpt-4o");
    model::complete(credentials.inference(), model, question).await
}

/// Answers a question in two steps, on whichever pool it is started.
#[workflow]
async fn answer(question: String) -> Result<String> {
    let draft = ask(&question).await?;
    ask(&format!("shorter: {draft}")).await
}

/// What a worker brings along, by its pool.
fn credentials(settings: &WorkerSettings) -> Result<WorkerCredentials> {
    let none = WorkerCredentials::new();
    let of_env = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    match settings.pool.as_str() {
        "gpu" => {
            let address = of_env("LOCAL_MODEL", "http://localhost:11434");
            let params = InferenceParams::new().api_base(address)?.temperature(0.2)?;
            let credentials = none.model_override("default", "ollama/llama3.2")?;
            Ok(credentials.inference_overrides(params))
        }
        "cloud" => {
            let address = of_env("OPENAI_BASE_URL", "https://api.openai.com");
            let params = InferenceParams::new()
                .api_base(address)?
                .api_key(of_env("OPENAI_API_KEY", ""))?;
            let credentials = none.model_override("default", "gpt-4o")?;
            Ok(credentials.inference_overrides(params))
        }
        _ => Ok(none),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let app = App::new("gpu_pool")
        .about("Answers questions on two pools")
        .workflow(answer)
        .worker(|worker, settings| Ok(worker.credentials(credentials(settings)?)));
    if env::args().len() > 1 {
        return sagewai::cli::run(app).await;
    }
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Both pools on this machine.
async fn play() -> Result<()> {
    let url = env::var("SAGEWAI_STORE").unwrap_or_else(|_| "sqlite://gpu_pool.db".to_owned());
    let store = sagewai::store::open(&url).await?;
    let client = Client::new(&store);

    let local = model::pretend("the model in the rack", None).await?;
    let cloud = model::pretend("the model of a provider", Some("sk-123")).await?;
    let of_gpu = ("LOCAL_MODEL", local.as_str());
    let of_cloud = [
        ("OPENAI_BASE_URL", cloud.as_str()),
        ("OPENAI_API_KEY", "sk-123"),
    ];
    let words = ["--pool", "gpu", "--label", "gpu=true", "--name", "gpu-1"];
    let gpu_worker = worker(&url, &words, &[of_gpu])?;
    let cloud_worker = worker(&url, &["--pool", "cloud", "--name", "cloud-1"], &of_cloud)?;

    let mut runs = Vec::new();
    for (n, question) in ["tides", "comets", "moss"].into_iter().enumerate() {
        let secret = answer(format!("our own notes on {question}")).pool("gpu");
        runs.push(
            secret
                .label("gpu", true)
                .priority(i16::try_from(n)?)
                .start(&client)
                .await?,
        );
        runs.push(
            answer(format!("what is known of {question}"))
                .pool("cloud")
                .start(&client)
                .await?,
        );
    }
    for run in &runs {
        let said = run.result().await?;
        let worker = run.status().await?.worker.unwrap_or_default();
        println!("[{worker}] {said}");
    }
    // They go with this process in any case; what one had not finished would go on with the next.
    drop((gpu_worker, cloud_worker));
    Ok(())
}

/// This program again, as a worker: the key is in its environment and nowhere else.
fn worker(url: &str, words: &[&str], environment: &[(&str, &str)]) -> Result<Child> {
    let worker = Command::new(env::current_exe()?)
        .args(["worker", "--store", url, "--log", "warn"])
        .args(words)
        .envs(environment.iter().copied())
        .kill_on_drop(true)
        .spawn()?;
    Ok(worker)
}
