//! Attempts: how many, how far apart, what is known of them, which failures are final.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Classify, Error, EventKind, RunState, StepState};
use serde::{Deserialize, Serialize};

use crate::support::{soon, until};
use crate::{ledger, on_every_store};

#[step(retry_delay = 0.02, backoff = 1)]
async fn flaky(ctx: &StepContext, failures: u32) -> Result<u32> {
    ledger::note(ctx, format!("attempt {}", ctx.attempt()));
    if ctx.attempt() <= failures {
        return Err(format!("no luck in attempt {}", ctx.attempt()).into());
    }
    Ok(ctx.attempt())
}

#[workflow]
async fn patient(failures: u32, retries: u32) -> Result<u32> {
    flaky(failures).retries(retries).await
}

/// The second attempt comes in a minute: nobody waits for that.
#[step(retries = 1, retry_delay = "1m")]
async fn slow_to_retry(ctx: &StepContext) -> Result<u32> {
    ledger::note(ctx, "attempt");
    Err("the service is down".into())
}

#[workflow]
async fn parked_retry() -> Result<u32> {
    slow_to_retry().await
}

#[step(timeout = 0.05, retries = 1, retry_delay = 0.01)]
async fn endless(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "attempt");
    std::future::pending().await
}

#[workflow]
async fn late() -> Result<()> {
    endless().await
}

#[step(retries = 5)]
async fn hopeless(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "attempt");
    Err(Failure::terminal("the account is closed"))
}

#[workflow]
async fn given_up() -> Result<()> {
    hopeless().await
}

#[step(retries = 1, retry_delay = 0.01)]
async fn panics(ctx: &StepContext) -> Result<u32> {
    ledger::note(ctx, "attempt");
    panic!("index {} out of range", 7)
}

#[workflow]
async fn panicky() -> Result<u32> {
    panics().await
}

#[step(retries = 3)]
async fn not_a_number(ctx: &StepContext) -> Result<Vec<f64>> {
    ledger::note(ctx, "attempt");
    Ok(vec![1.0, f64::NAN])
}

#[workflow]
async fn unstorable() -> Result<Vec<f64>> {
    not_a_number().await
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
enum ChargeError {
    #[error("declined: {0}")]
    Declined(String),
    #[error("unreachable")]
    Unreachable,
    #[error(transparent)]
    Engine(#[from] Fault),
}

impl Classify for ChargeError {
    fn is_terminal(&self) -> bool {
        matches!(self, ChargeError::Declined(_))
    }
}

#[step(retries = 3, retry_delay = 0.01)]
async fn charge(ctx: &StepContext, card: &str) -> Result<u32, ChargeError> {
    ledger::note(ctx, format!("{card} {}", ctx.attempt()));
    match card {
        "bad" => Err(ChargeError::Declined("no money".into())),
        _ if ctx.attempt() < 3 => Err(ChargeError::Unreachable),
        _ => Ok(100),
    }
}

#[step]
async fn notify(ctx: &StepContext, reason: &str) -> Result<()> {
    ledger::note(ctx, format!("notify {reason}"));
    Ok(())
}

/// Branches on the typed error, and ends in it.
#[workflow]
async fn checkout(card: String) -> Result<u32, ChargeError> {
    match charge(&card).await {
        Err(ChargeError::Declined(reason)) => {
            let told = notify(&reason).await;
            assert!(told.is_ok());
            Err(ChargeError::Declined(reason))
        }
        other => other,
    }
}

fn failure(error: Error) -> Box<sagewai::RunFailed> {
    match error {
        Error::Failed(failed) => failed,
        other => panic!("{other:?}"),
    }
}

on_every_store! {
    async fn step_that_fails_once_is_tried_again(scene: Scene) {
        let worker = scene.worker().workflow(patient).start().await.unwrap();
        let run = patient(1, 2).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 2);
        let step = &run.status().await.unwrap().steps[0];
        assert_eq!((step.attempt, step.state), (2, StepState::Completed));
        worker.shutdown().await.unwrap();
    }

    async fn exhausted_retries_name_step_workflow_and_run(scene: Scene) {
        let worker = scene.worker().workflow(patient).start().await.unwrap();
        let id = scene.id("unlucky");
        let run = patient(9, 2).run_id(&id).start(&scene.client).await.unwrap();
        let failed = failure(soon(run.result()).await.unwrap_err());
        assert_eq!(
            failed.to_string(),
            format!("run `{id}` of workflow `patient` failed in step `flaky`: no luck in attempt 3")
        );
        assert_eq!(ledger::of(&id), ["attempt 1", "attempt 2", "attempt 3"]);
        assert_eq!(run.status().await.unwrap().run.state, RunState::Failed);
        assert_eq!(run.status().await.unwrap().run.error.as_deref(), Some("no luck in attempt 3"));
        worker.shutdown().await.unwrap();
    }

    async fn without_retries_there_is_one_attempt(scene: Scene) {
        let worker = scene.worker().workflow(patient).start().await.unwrap();
        let run = patient(1, 0).start(&scene.client).await.unwrap();
        failure(soon(run.result()).await.unwrap_err());
        assert_eq!(ledger::of(run.id()), ["attempt 1"]);
        worker.shutdown().await.unwrap();
    }

    async fn next_attempt_is_never_sooner_than_the_delay(scene: Scene) {
        let worker = scene.worker().workflow(patient).start().await.unwrap();
        let run = patient(2, 2).start(&scene.client).await.unwrap();
        soon(run.result()).await.unwrap();
        let journal = scene.client.journal(run.id()).await.unwrap();
        let failed: Vec<_> = journal.events.iter().filter_map(|event| match &event.kind {
            EventKind::AttemptFailed { next_at, .. } => Some((event.at, next_at.unwrap())),
            _ => None,
        }).collect();
        assert_eq!(failed.len(), 2);
        let done = journal.at("flaky").unwrap().at;
        // The second attempt's failure, and the third's end, came after the times that were announced.
        assert!(failed[1].0 >= failed[0].1 && done >= failed[1].1, "{failed:?} {done:?}");
        worker.shutdown().await.unwrap();
    }

    async fn long_delay_parks_the_run_and_shows_attempt_and_error(scene: Scene) {
        let worker = scene.worker().workflow(parked_retry).start().await.unwrap();
        let run = parked_retry().start(&scene.client).await.unwrap();
        let status = until(async || {
            let status = run.status().await.unwrap();
            (status.run.state == RunState::Waiting).then_some(status)
        }).await;
        let step = &status.steps[0];
        assert!(matches!(step.state, StepState::Retrying { next_at } if Some(next_at) <= status.run.due_at));
        assert_eq!(step.attempt, 2);
        assert_eq!(step.error.as_deref(), Some("the service is down"));
        let why = status.run.waiting.unwrap().to_string();
        assert!(why.contains("attempt 2 of `slow_to_retry`") && why.contains("the service is down"), "{why}");
        assert_eq!(ledger::of(run.id()), ["attempt"]);
        worker.shutdown().await.unwrap();
    }

    async fn timeout_is_an_error_of_its_own_with_step_and_limit(scene: Scene) {
        let worker = scene.worker().workflow(late).start().await.unwrap();
        let run = late().start(&scene.client).await.unwrap();
        let failed = failure(soon(run.result()).await.unwrap_err());
        assert_eq!(failed.message, "timeout: `endless` did not end within 50ms");
        let failure: Failure = failed.error().unwrap();
        assert_eq!(
            failure.fault(),
            Some(&Fault::TimedOut { step: "endless".into(), limit: Duration::from_millis(50) })
        );
        assert_eq!(ledger::of(run.id()).len(), 2);
        worker.shutdown().await.unwrap();
    }

    async fn terminal_failure_uses_no_retries(scene: Scene) {
        let worker = scene.worker().workflow(given_up).start().await.unwrap();
        let run = given_up().start(&scene.client).await.unwrap();
        let failed = failure(soon(run.result()).await.unwrap_err());
        assert_eq!(failed.message, "the account is closed");
        assert_eq!(ledger::of(run.id()), ["attempt"]);
        worker.shutdown().await.unwrap();
    }

    async fn panic_is_a_failed_attempt_with_its_message(scene: Scene) {
        let worker = scene.worker().workflow(panicky).workflow(patient).start().await.unwrap();
        let run = panicky().start(&scene.client).await.unwrap();
        let failed = failure(soon(run.result()).await.unwrap_err());
        assert_eq!(failed.message, "panicked: index 7 out of range");
        assert_eq!(ledger::of(run.id()).len(), 2);
        // The worker is as well as before.
        let next = patient(0, 0).start(&scene.client).await.unwrap();
        soon(next.result()).await.unwrap();
        worker.shutdown().await.unwrap();
    }

    async fn value_that_cannot_be_stored_fails_the_step_and_says_where(scene: Scene) {
        let worker = scene.worker().workflow(unstorable).start().await.unwrap();
        let run = unstorable().start(&scene.client).await.unwrap();
        let failed = failure(soon(run.result()).await.unwrap_err());
        assert_eq!(failed.message, "cannot be stored: JSON has no number NaN at `1`");
        assert_eq!(ledger::of(run.id()), ["attempt"]);
        worker.shutdown().await.unwrap();
    }

    async fn typed_error_comes_back_typed_and_says_whether_to_retry(scene: Scene) {
        let worker = scene.worker().workflow(checkout).start().await.unwrap();
        let declined = checkout("bad".into()).start(&scene.client).await.unwrap();
        let paid = checkout("good".into()).start(&scene.client).await.unwrap();
        assert_eq!(
            soon(declined.outcome()).await.unwrap(),
            Err(ChargeError::Declined("no money".into()))
        );
        assert_eq!(ledger::of(declined.id()), ["bad 1", "notify no money"]);
        assert_eq!(soon(paid.outcome()).await.unwrap(), Ok(100));
        assert_eq!(ledger::of(paid.id()), ["good 1", "good 2", "good 3"]);
        worker.shutdown().await.unwrap();
    }
}
