//! Runs that runs start.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{OnParentEnd, RunId, RunState, Waiting};

use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, thiserror::Error)]
enum Odd {
    #[error("{0} is odd")]
    Odd(u32),
    #[error(transparent)]
    Engine(#[from] Fault),
}

#[step]
async fn halve(ctx: &StepContext, number: u32) -> Result<u32> {
    ledger::note(ctx, format!("halve {number}"));
    Ok(number / 2)
}

#[workflow]
async fn half(number: u32) -> Result<u32, Odd> {
    if number % 2 == 1 {
        return Err(Odd::Odd(number));
    }
    match halve(number).await {
        Ok(half) => Ok(half),
        Err(_) => Err(Odd::Odd(0)),
    }
}

/// Awaits a call as it is.
#[workflow]
async fn quarter(number: u32) -> Result<String> {
    let once = half(number).await;
    match once {
        Ok(once) => Ok(format!("{:?}", half(once).await)),
        Err(Odd::Odd(number)) => Ok(format!("{number} cannot be halved")),
        Err(Odd::Engine(fault)) => Err(fault.into()),
    }
}

#[workflow]
async fn fans_out(children: u32) -> Result<u32> {
    let halves = try_map(0..children, |n| half(n * 2))
        .concurrency(1_000)
        .await?;
    Ok(halves.into_iter().sum())
}

#[workflow]
async fn waits_for_ever() -> Result<()> {
    approval("never").await?;
    Ok(())
}

#[workflow]
async fn started_and_left(abandon: bool) -> Result<String> {
    let then = if abandon {
        OnParentEnd::Abandon
    } else {
        OnParentEnd::Cancel
    };
    let left = child(waits_for_ever()).on_parent_end(then).start().await?;
    approval("go").await?;
    Ok(left.run_id().to_string())
}

#[workflow]
async fn limited() -> Result<String> {
    let limit = Duration::from_millis(40);
    match child(waits_for_ever()).timeout(limit).await {
        Ok(()) => Ok("never".to_owned()),
        Err(failure) => {
            approval("after").await?;
            Ok(failure.to_string())
        }
    }
}

#[workflow]
async fn parent_of(fails_until: u32) -> Result<String> {
    child(flaky(fails_until)).await
}

#[step]
async fn fails_first(ctx: &StepContext, until: u32) -> Result<String> {
    ledger::note(ctx, "try");
    let tries = ledger::of(ctx.run_id()).len();
    if u32::try_from(tries)? <= until {
        return Err("not yet".into());
    }
    Ok("done".to_owned())
}

#[workflow]
async fn flaky(fails_until: u32) -> Result<String> {
    fails_first(fails_until).await
}

async fn only_child(scene: &Scene, parent: &RunId) -> sagewai::Child {
    until(async || scene.client.children(parent).await.unwrap().pop()).await
}

on_every_store! {
    async fn child_is_a_run_of_its_own_and_gives_its_result(scene: Scene) {
        let worker = scene.worker().workflow(half).workflow(quarter).start().await.unwrap();
        let run = quarter(8).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "Ok(2)");
        let children = scene.client.children(run.id()).await.unwrap();
        assert_eq!(children.len(), 2);
        for child in &children {
            assert_eq!(child.state, RunState::Completed);
            let found = scene.client.status(&child.run).await.unwrap().unwrap().run;
            let parent = found.header.parent.unwrap();
            assert_eq!((&parent.run, &parent.position), (run.id(), &child.position));
        }
        assert_eq!(children[0].position.as_str(), "child:half");
        assert_eq!(children[1].position.as_str(), "child:half#2");
        assert_eq!(ledger::of(&children[1].run), ["halve 4"]);
        worker.shutdown().await.unwrap();
    }

    async fn failure_of_a_child_comes_typed(scene: Scene) {
        let worker = scene.worker().workflow(half).workflow(quarter).start().await.unwrap();
        let run = quarter(7).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "7 cannot be halved");
        worker.shutdown().await.unwrap();
    }

    async fn parent_sleeps_while_its_child_waits(scene: Scene) {
        let worker = scene.worker().workflow(started_and_left).workflow(waits_for_ever).workflow(limited)
            .start().await.unwrap();
        let run = limited().start(&scene.client).await.unwrap();
        let waiting = until(async || {
            let status = run.status().await.unwrap();
            status.run.waiting.filter(|_| status.run.state == RunState::Waiting)
        }).await;
        assert!(matches!(waiting, Waiting::Child { .. } | Waiting::Gate { .. } | Waiting::Timer { .. }), "{waiting}");
        worker.shutdown().await.unwrap();
    }

    async fn hundreds_of_children_each_run_once(scene: Scene) {
        let worker = scene.worker().workflow(half).workflow(fans_out).start().await.unwrap();
        let run = fans_out(200).start(&scene.client).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), (0..200).sum::<u32>());
        let children = scene.client.children(run.id()).await.unwrap();
        assert_eq!(children.len(), 200);
        for child in children {
            assert_eq!(ledger::of(&child.run).len(), 1, "{}", child.run);
        }
        worker.shutdown().await.unwrap();
    }

    async fn child_ends_with_its_parent_unless_abandoned(scene: Scene) {
        let worker = scene.worker().workflow(started_and_left).workflow(waits_for_ever).start().await.unwrap();
        for (abandon, state) in [(false, RunState::Cancelled), (true, RunState::Waiting)] {
            let run = started_and_left(abandon).start(&scene.client).await.unwrap();
            scene.client.gate(run.id().as_str(), "go").approve("ann").await.unwrap();
            let child = soon(run.result()).await.unwrap();
            until(async || {
                let found = scene.client.status(child.as_str()).await.unwrap().unwrap().run;
                (found.state == state).then_some(())
            }).await;
        }
        worker.shutdown().await.unwrap();
    }

    async fn cancel_reaches_the_children_and_theirs(scene: Scene) {
        let worker = scene.worker().workflow(started_and_left).workflow(waits_for_ever).start().await.unwrap();
        let run = started_and_left(false).start(&scene.client).await.unwrap();
        let child = only_child(&scene, run.id()).await;
        run.cancel("ann", "no longer needed").await.unwrap();
        let found = until(async || {
            let found = scene.client.status(&child.run).await.unwrap().unwrap().run;
            (found.state == RunState::Cancelled).then_some(found)
        }).await;
        assert!(found.error.unwrap().contains(run.id().as_str()), "it says whose child it was");
        worker.shutdown().await.unwrap();
    }

    async fn child_that_nobody_waits_for_any_more_is_cancelled(scene: Scene) {
        let worker = scene.worker().workflow(limited).workflow(waits_for_ever).start().await.unwrap();
        let run = limited().start(&scene.client).await.unwrap();
        let child = only_child(&scene, run.id()).await;
        until(async || {
            let found = scene.client.status(&child.run).await.unwrap().unwrap().run;
            (found.state == RunState::Cancelled).then_some(())
        }).await;
        scene.client.gate(run.id().as_str(), "after").approve("ann").await.unwrap();
        let said = soon(run.result()).await.unwrap();
        assert!(said.contains("child:waits_for_ever"), "{said}");
        worker.shutdown().await.unwrap();
    }

    async fn retry_of_a_parent_retries_the_child_that_failed(scene: Scene) {
        let worker = scene.worker().workflow(parent_of).workflow(flaky).start().await.unwrap();
        let run = parent_of(1).start(&scene.client).await.unwrap();
        soon(run.outcome()).await.unwrap().unwrap_err();
        run.retry("ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "done");
        let child = only_child(&scene, run.id()).await;
        assert_eq!(ledger::of(&child.run).len(), 2);
        worker.shutdown().await.unwrap();
    }

    async fn child_whose_id_is_taken_is_a_failure(scene: Scene) {
        let worker = scene.worker().workflow(claims_an_id).workflow(half).start().await.unwrap();
        let taken = scene.id("taken");
        half(2).run_id(&taken).start(&scene.client).await.unwrap();
        let run = claims_an_id(taken).start(&scene.client).await.unwrap();
        let failure = soon(run.outcome()).await.unwrap().unwrap_err();
        assert!(failure.message().contains("something else started it"), "{failure}");
        worker.shutdown().await.unwrap();
    }
}

#[workflow]
async fn claims_an_id(id: String) -> Result<u32> {
    Ok(child(half(2).run_id(id)).await?)
}
