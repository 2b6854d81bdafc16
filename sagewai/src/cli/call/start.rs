//! `start`.

use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::progress::Progress;
use crate::cli::app::App;
use crate::cli::exit::{Code, Failed};
use crate::cli::parse::{Output, Start};
use crate::cli::print;
use crate::cli::resolve::Settings;
use crate::cli::served::{AnyWorkflow, Begun, Queueing, arguments, missing};
use crate::client::Client;
use crate::error::Error;
use crate::model::Json;
use crate::workflow::WorkflowSpec;

/// How often a run that is waited for is looked at, to tell how it goes.
const LOOK_EVERY: Duration = Duration::from_millis(300);

pub(super) async fn call(app: &App, settings: &Settings, typed: Start) -> Result<(), Failed> {
    let Some(workflow) = app.find(&typed.workflow) else {
        let message = format!("there is no workflow `{}` here", typed.workflow);
        return Err(Failed::new(Code::NotFound, message));
    };
    let spec = workflow.spec();
    let input = input(&spec, &typed.input)?;
    let client = Client::new(&settings.open().await?);
    let how = Queueing {
        id: typed.id,
        pool: typed.pool,
        labels: typed.labels,
        priority: typed.priority,
        delay: typed.delay,
    };
    let begun = workflow.start(&client, &input, how).await;
    let begun = begun.map_err(|error| not_started(&spec, &input, error))?;
    if !typed.wait {
        return match settings.output {
            Output::Table => print::text(begun.run.as_str()),
            Output::Json => print::object(of_run(&spec, &begun)),
        };
    }
    let what = if begun.is_new {
        "started"
    } else {
        "attached to"
    };
    print::aside(&format!("{what} run {}", begun.run));
    let progress = Progress::new(&app.name, &client, &begun.run);
    let result = wait(workflow.as_ref(), &client, &begun, progress, typed.timeout).await?;
    match settings.output {
        Output::Table => print::text(result.as_str()),
        Output::Json => {
            let mut told = of_run(&spec, &begun);
            let result: Value = result.decode().unwrap_or_default();
            told["result"] = result;
            print::object(told)
        }
    }
}

/// Waits until the run is over, and tells meanwhile how it goes.
async fn wait(
    workflow: &dyn AnyWorkflow,
    client: &Client,
    begun: &Begun,
    mut progress: Progress,
    limit: Option<Duration>,
) -> Result<Json, Failed> {
    let deadline = limit.map(|limit| Instant::now() + limit);
    let passed = async {
        match deadline {
            Some(deadline) => sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    let interrupted = tokio::signal::ctrl_c();
    let result = workflow.result(client, &begun.run);
    tokio::pin!(passed, interrupted, result);
    let goes_on = |code, what: &str| {
        let message = format!("{what}; run {} goes on", begun.run);
        Err(Failed::new(code, message).hint("the same command under the same --id waits again"))
    };
    loop {
        tokio::select! {
            ended = &mut result => {
                progress.look().await;
                return Ok(ended?);
            }
            () = &mut passed => return goes_on(Code::WaitPassed, "the time to wait passed"),
            _ = &mut interrupted => return goes_on(Code::Interrupted, "interrupted"),
            () = sleep(LOOK_EVERY) => progress.look().await,
        }
    }
}

fn of_run(spec: &WorkflowSpec, begun: &Begun) -> Value {
    json!({"run": begun.run.as_str(), "workflow": spec.name, "created": begun.is_new})
}

/// The arguments, from the command line, a file, or stdin.
fn input(spec: &WorkflowSpec, typed: &str) -> Result<Json, Failed> {
    let wrong = |reason: String| Failed::usage(format!("the input cannot be used: {reason}"));
    let text = if typed == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| wrong(format!("stdin cannot be read: {error}")))?;
        text
    } else if let Some(path) = typed.strip_prefix('@') {
        std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("{path} cannot be read: {error}")))?
    } else {
        typed.to_owned()
    };
    arguments(spec, &text).map_err(|reason| wrong(reason).hint(signature(spec)))
}

/// Why it was not started; where an argument does not fit, with those that were not given.
fn not_started(spec: &WorkflowSpec, input: &Json, error: Error) -> Failed {
    let is_input = matches!(error, Error::Input { .. });
    let failed = Failed::from(error);
    let missing = missing(spec, input);
    if !is_input {
        return failed;
    }
    if missing.is_empty() {
        return failed.hint(signature(spec));
    }
    let names = missing.iter().map(|name| format!("`{name}`"));
    let names = names.collect::<Vec<_>>().join(", ");
    failed.hint(format!("not given: {names}; {}", signature(spec)))
}

fn signature(spec: &WorkflowSpec) -> String {
    format!("`{}` takes {}", spec.name, spec.signature)
}
