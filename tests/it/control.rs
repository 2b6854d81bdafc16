//! Cancel, pause, resume, deadlines.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Error, RunState};

use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

/// Ends when it is told, or after a minute.
#[step]
async fn long(ctx: &StepContext) -> Result<String> {
    ledger::note(ctx, "begun");
    tokio::select! {
        () = tokio::time::sleep(Duration::from_mins(1)) => Ok("slept".to_owned()),
        () = ctx.cancelled() => {
            ledger::note(ctx, "told");
            Ok("told".to_owned())
        }
    }
}

/// Does not listen.
#[step]
async fn deaf(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "begun");
    tokio::time::sleep(Duration::from_mins(1)).await;
    ledger::note(ctx, "slept");
    Ok(())
}

/// Runs whose first step may end.
static GO_ON: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Ends when the test says so.
#[step]
async fn waits_for_the_test(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "first");
    while !GO_ON.lock().unwrap().contains(ctx.run_id().as_str()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[step]
async fn after(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "after");
    Ok(())
}

#[workflow]
async fn listens() -> Result<String> {
    let said = long().await?;
    after().await?;
    Ok(said)
}

#[workflow]
async fn does_not_listen() -> Result<()> {
    deaf().await?;
    after().await
}

#[workflow]
async fn two_steps() -> Result<()> {
    waits_for_the_test().await?;
    after().await
}

#[workflow]
async fn many_steps(steps: u32) -> Result<()> {
    for _ in 0..steps {
        after().await?;
    }
    Ok(())
}

#[workflow]
async fn at_a_gate() -> Result<String> {
    let decision = approval("go").await?;
    after().await?;
    Ok(decision.by)
}

async fn reaches(scene: &Scene, run: &sagewai::RunId, state: RunState) {
    until(async || {
        let found = scene.client.status(run).await.unwrap().unwrap().run;
        (found.state == state).then_some(())
    })
    .await;
}

on_every_store! {
    async fn cancelled_run_is_over_at_once_and_its_step_is_told(scene: Scene) {
        let worker = scene.worker().workflow(listens).start().await.unwrap();
        let run = listens().start(&scene.client).await.unwrap();
        until(async || (!ledger::of(run.id()).is_empty()).then_some(())).await;
        run.cancel("ann", "no longer needed").await.unwrap();
        assert_eq!(run.status().await.unwrap().run.state, RunState::Cancelled);
        let error = soon(run.result()).await.unwrap_err();
        assert!(matches!(&error, Error::Cancelled { by, .. } if by == "ann"), "{error}");
        until(async || (ledger::of(run.id()).len() == 2).then_some(())).await;
        worker.shutdown().await.unwrap();
        assert_eq!(ledger::of(run.id()), ["begun", "told"]);
        let journal = scene.client.journal(run.id()).await.unwrap();
        assert!(journal.at("long").is_none(), "what it returned is not stored");
        run.cancel("bob", "me too").await.unwrap();
        let error = run.result().await.unwrap_err();
        assert!(error.to_string().contains("by ann: no longer needed"), "{error}");
    }

    async fn step_that_does_not_listen_is_aborted_after_the_grace(scene: Scene) {
        let worker = scene.worker().workflow(does_not_listen)
            .cancel_grace(Duration::from_millis(50)).concurrency(1).start().await.unwrap();
        let run = does_not_listen().start(&scene.client).await.unwrap();
        until(async || (!ledger::of(run.id()).is_empty()).then_some(())).await;
        run.cancel("ann", "no longer needed").await.unwrap();
        // The slot is free again.
        let next = does_not_listen().start(&scene.client).await.unwrap();
        until(async || (!ledger::of(next.id()).is_empty()).then_some(())).await;
        assert_eq!(ledger::of(run.id()), ["begun"]);
        next.cancel("ann", "no longer needed").await.unwrap();
        worker.shutdown().await.unwrap();
    }

    async fn cancel_reaches_runs_that_nobody_drives(scene: Scene) {
        let queued = at_a_gate().start(&scene.client).await.unwrap();
        let later = at_a_gate().delay(Duration::from_hours(1)).start(&scene.client).await.unwrap();
        queued.cancel("ann", "no longer needed").await.unwrap();
        later.cancel("ann", "no longer needed").await.unwrap();
        let worker = scene.worker().workflow(at_a_gate).start().await.unwrap();
        let waiting = at_a_gate().start(&scene.client).await.unwrap();
        reaches(&scene, waiting.id(), RunState::Waiting).await;
        waiting.cancel("ann", "no longer needed").await.unwrap();
        let late = scene.client.gate(waiting.id().as_str(), "go").approve("bob").await.unwrap_err();
        assert!(matches!(late, Error::WrongState { state: RunState::Cancelled, .. }), "{late}");
        for run in [queued, later, waiting] {
            assert!(matches!(soon(run.result()).await, Err(Error::Cancelled { .. })));
            assert!(ledger::of(run.id()).is_empty());
        }
        worker.shutdown().await.unwrap();
    }

    async fn finished_run_cannot_be_cancelled(scene: Scene) {
        let worker = scene.worker().workflow(at_a_gate).start().await.unwrap();
        let run = at_a_gate().start(&scene.client).await.unwrap();
        scene.client.gate(run.id().as_str(), "go").approve("ann").await.unwrap();
        soon(run.result()).await.unwrap();
        let late = run.cancel("ann", "too late").await.unwrap_err();
        assert!(matches!(late, Error::WrongState { state: RunState::Completed, .. }), "{late}");
        let nobody = scene.client.cancel("nobody", "ann", "no").await.unwrap_err();
        assert!(matches!(nobody, Error::NoRun { .. }));
        assert!(matches!(run.cancel("", "why").await, Err(Error::Invalid(_))));
        assert!(matches!(run.cancel("ann", " ").await, Err(Error::Invalid(_))));
        worker.shutdown().await.unwrap();
    }

    async fn pause_lets_the_step_end_and_begins_nothing_more(scene: Scene) {
        let worker = scene.worker().workflow(many_steps).start().await.unwrap();
        let run = many_steps(10_000).start(&scene.client).await.unwrap();
        until(async || (ledger::of(run.id()).len() > 3).then_some(())).await;
        run.pause("ann").await.unwrap();
        run.pause("bob").await.unwrap();
        reaches(&scene, run.id(), RunState::Paused).await;
        let done = ledger::of(run.id()).len();
        let journal = scene.client.journal(run.id()).await.unwrap();
        assert_eq!(journal.checkpoints.len(), done + 1, "what was begun has ended and is stored");
        let words: Vec<&str> = journal.events.iter().map(|e| e.kind.word()).collect();
        assert_eq!(words, ["pause_asked", "paused"]);
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(ledger::of(run.id()).len(), done, "nothing begins while it is paused");
        run.resume("ann").await.unwrap();
        until(async || (ledger::of(run.id()).len() > done + 3).then_some(())).await;
        run.cancel("ann", "seen enough").await.unwrap();
        assert!(matches!(run.resume("ann").await, Err(Error::WrongState { .. })));
        worker.shutdown().await.unwrap();
    }

    async fn pause_that_is_taken_back_stops_nothing(scene: Scene) {
        let worker = scene.worker().workflow(two_steps).start().await.unwrap();
        let run = two_steps().start(&scene.client).await.unwrap();
        until(async || (!ledger::of(run.id()).is_empty()).then_some(())).await;
        run.pause("ann").await.unwrap();
        assert!(run.status().await.unwrap().run.pausing);
        run.resume("ann").await.unwrap();
        GO_ON.lock().unwrap().insert(run.id().to_string());
        soon(run.result()).await.unwrap();
        assert_eq!(ledger::of(run.id()), ["first", "after"]);
        worker.shutdown().await.unwrap();
    }

    async fn paused_run_keeps_what_comes_meanwhile(scene: Scene) {
        let worker = scene.worker().workflow(at_a_gate).start().await.unwrap();
        let run = at_a_gate().start(&scene.client).await.unwrap();
        reaches(&scene, run.id(), RunState::Waiting).await;
        run.pause("ann").await.unwrap();
        scene.client.gate(run.id().as_str(), "go").approve("bob").await.unwrap();
        assert_eq!(run.status().await.unwrap().run.state, RunState::Paused);
        assert!(ledger::of(run.id()).is_empty());
        run.resume("ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "bob");
        worker.shutdown().await.unwrap();
    }

    async fn run_fails_at_its_deadline_wherever_it_is(scene: Scene) {
        let worker = scene.worker().workflow(at_a_gate).workflow(listens).start().await.unwrap();
        let limit = Duration::from_millis(80);
        let waiting = at_a_gate().deadline(limit).start(&scene.client).await.unwrap();
        let running = listens().deadline(limit).start(&scene.client).await.unwrap();
        let unserved = two_steps().deadline(limit).start(&scene.client).await.unwrap();
        for failure in [
            soon(waiting.outcome()).await.unwrap().unwrap_err(),
            soon(running.outcome()).await.unwrap().unwrap_err(),
            soon(unserved.outcome()).await.unwrap().unwrap_err(),
        ] {
            assert_eq!(failure.fault(), Some(&Fault::DeadlinePassed { limit }));
        }
        until(async || (ledger::of(running.id()) == ["begun", "told"]).then_some(())).await;
        worker.shutdown().await.unwrap();
    }

    async fn run_that_nobody_takes_in_time_expires_and_one_that_was_taken_does_not(scene: Scene) {
        let worker = scene.worker().workflow(at_a_gate).start().await.unwrap();
        let limit = Duration::from_millis(80);
        let taken = at_a_gate().expires_after(limit).start(&scene.client).await.unwrap();
        let left = two_steps().expires_after(limit).start(&scene.client).await.unwrap();
        let error = soon(left.result()).await.unwrap_err();
        assert!(error.to_string().contains("by the queue: no worker has taken it within 80ms"), "{error}");
        reaches(&scene, taken.id(), RunState::Waiting).await;
        scene.client.gate(taken.id().as_str(), "go").approve("ann").await.unwrap();
        soon(taken.result()).await.unwrap();
        worker.shutdown().await.unwrap();
    }
}
