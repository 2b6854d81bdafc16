//! Going on: from a failure, after a retry by a person, over code that has changed.

use sagewai::prelude::*;
use sagewai::{Error, RunState};

use crate::support::{soon, until};
use crate::{ledger, on_every_store};

#[step]
async fn first(ctx: &StepContext) -> Result<u32> {
    ledger::note(ctx, "first");
    Ok(1)
}

#[step(retries = 1, retry_delay = 0.01)]
async fn second(ctx: &StepContext, n: u32, broken: &str) -> Result<u32> {
    ledger::note(ctx, format!("second {}", ctx.attempt()));
    if std::path::Path::new(broken).exists() {
        return Err("the disk is full".into());
    }
    Ok(n + 1)
}

#[workflow]
async fn three(broken: String) -> Result<u32> {
    let n = first().await?;
    let n = second(n, &broken).await?;
    Ok(n + 1)
}

on_every_store! {
    async fn retried_run_keeps_completed_steps_and_tries_the_failed_one_anew(scene: Scene) {
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("broken");
        std::fs::write(&broken, "").unwrap();
        let worker = scene.worker().workflow(three).start().await.unwrap();
        let run = three(broken.display().to_string()).start(&scene.client).await.unwrap();
        assert!(matches!(soon(run.result()).await, Err(Error::Failed(_))));
        assert_eq!(ledger::of(run.id()), ["first", "second 1", "second 2"]);

        std::fs::remove_file(&broken).unwrap();
        scene.client.retry(run.id(), "ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 3);
        // Attempts count from the start again.
        assert_eq!(ledger::of(run.id()), ["first", "second 1", "second 2", "second 1"]);

        let completed = scene.client.retry(run.id(), "ann").await.unwrap_err();
        assert!(matches!(completed, Error::WrongState { state: RunState::Completed, .. }));
        assert!(matches!(scene.client.retry("nobody", "ann").await, Err(Error::NoRun { .. })));
        worker.shutdown().await.unwrap();
    }

    async fn failed_run_is_its_failure_when_started_again(scene: Scene) {
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().display().to_string();
        let worker = scene.worker().workflow(three).start().await.unwrap();
        let run = three(broken.clone()).run_id(scene.id("fails")).start(&scene.client).await.unwrap();
        soon(run.result()).await.unwrap_err();
        let again = three(broken).run_id(scene.id("fails")).start(&scene.client).await.unwrap();
        assert!(!again.is_new());
        assert!(matches!(soon(again.result()).await, Err(Error::Failed(_))));
        worker.shutdown().await.unwrap();
    }

    async fn body_that_panics_fails_the_run_and_goes_on_when_mended(scene: Scene) {
        let worker = scene.worker().workflow(fragile).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mended = folder.path().join("mended");
        let run = fragile(mended.display().to_string()).start(&scene.client).await.unwrap();
        let failed = soon(run.result()).await.unwrap_err().to_string();
        assert!(failed.contains("panicked: the workflow body: not mended yet"), "{failed}");
        std::fs::write(&mended, "").unwrap();
        scene.client.retry(run.id(), "ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), 1);
        assert_eq!(ledger::of(run.id()), ["first"]);
        worker.shutdown().await.unwrap();
    }

    async fn body_that_waits_for_something_foreign_is_ended_at_once(scene: Scene) {
        let worker = scene.worker().workflow(hanging).start().await.unwrap();
        let run = hanging().start(&scene.client).await.unwrap();
        let failed = soon(run.result()).await.unwrap_err().to_string();
        assert!(failed.contains("waits for something that is not durable, after `first`"), "{failed}");
        worker.shutdown().await.unwrap();
    }

    async fn status_shows_what_runs_now(scene: Scene) {
        let worker = scene.worker()
            .heartbeat_interval(std::time::Duration::from_millis(20))
            .workflow(gated)
            .start()
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let go = folder.path().join("go");
        let run = gated(go.display().to_string()).start(&scene.client).await.unwrap();
        let step = until(async || {
            let status = run.status().await.unwrap();
            status.steps.into_iter().find(|s| s.state == sagewai::StepState::Running)
        }).await;
        assert_eq!((step.position.as_str(), step.attempt), ("wait_for_file", 1));
        std::fs::write(go, "").unwrap();
        soon(run.result()).await.unwrap();
        worker.shutdown().await.unwrap();
    }
}

/// A body that breaks a rule in a helper, where no macro sees it.
fn check(mended: &str) {
    assert!(std::path::Path::new(mended).exists(), "not mended yet");
}

#[workflow]
async fn fragile(mended: String) -> Result<u32> {
    let n = first().await?;
    check(&mended);
    Ok(n)
}

/// A durable operation that is none, as a careless author would write it.
struct Hangs;
impl sagewai::Durable for Hangs {
    type Output = ();
    async fn run(self, _: sagewai::macro_support::Site) {
        std::future::pending::<()>().await;
    }
}

#[workflow]
async fn hanging() -> Result<()> {
    first().await?;
    Hangs.await;
    Ok(())
}

#[step]
async fn wait_for_file(path: &str) -> Result<()> {
    while !std::path::Path::new(path).exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Ok(())
}

#[workflow]
async fn gated(path: String) -> Result<()> {
    wait_for_file(&path).await
}
