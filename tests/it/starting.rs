//! Starting: ids, attaching, conflicts, bad input, driving in place.

use sagewai::prelude::*;
use sagewai::{Error, RunFilter, RunState, Settled, Waiting};

use crate::support::soon;
use crate::{ledger, on_every_store};

#[step]
async fn double(ctx: &StepContext, n: f64) -> Result<f64> {
    ledger::note(ctx, format!("double {n}"));
    Ok(n * 2.0)
}

#[workflow]
async fn doubling(n: f64) -> Result<f64> {
    double(n).await
}

#[workflow]
async fn other(n: f64) -> Result<f64> {
    double(n).await
}

#[workflow]
async fn asking() -> Result<String> {
    Ok(approval("ok").await?.by)
}

#[step]
async fn blocks(ctx: &StepContext) -> Result<()> {
    ledger::note(ctx, "begun");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    ledger::note(ctx, "ended");
    Ok(())
}

#[workflow]
async fn blocking() -> Result<()> {
    blocks().await
}

on_every_store! {
    async fn same_id_and_arguments_attach_and_others_conflict(scene: Scene) {
        let id = &scene.id("doubling");
        let first = doubling(2.0).run_id(id).start(&scene.client).await.unwrap();
        let again = doubling(2.0).run_id(id).start(&scene.client).await.unwrap();
        assert!(first.is_new() && !again.is_new());

        let changed = doubling(3.0).run_id(id).start(&scene.client).await.unwrap_err();
        assert!(changed.to_string().contains("other arguments"), "{changed}");
        let renamed = other(2.0).run_id(id).start(&scene.client).await.unwrap_err();
        assert!(renamed.to_string().contains("workflow `doubling`"), "{renamed}");

        let worker = scene.worker().workflow(doubling).start().await.unwrap();
        assert_eq!(soon(again.result()).await.unwrap().to_bits(), 4.0_f64.to_bits());
        // Attaching to a finished run gives its result.
        let late = doubling(2.0).run_id(id).start(&scene.client).await.unwrap();
        assert_eq!(soon(late.result()).await.unwrap().to_bits(), 4.0_f64.to_bits());
        assert_eq!(ledger::of(id).len(), 1);
        worker.shutdown().await.unwrap();
    }

    async fn same_id_from_many_tasks_at_once_executes_once(scene: Scene) {
        let worker = scene.worker().workflow(doubling).start().await.unwrap();
        let id = scene.id("race");
        let starts = (0..16).map(|_| doubling(1.0).run_id(&*id).start(&scene.client));
        let started = futures_util::future::join_all(starts).await;
        let new = started.iter().filter(|s| s.as_ref().unwrap().is_new()).count();
        assert_eq!(new, 1);
        soon(started[0].as_ref().unwrap().result()).await.unwrap();
        assert_eq!(ledger::of(&id).len(), 1);
        worker.shutdown().await.unwrap();
    }

    async fn many_runs_start_at_once_and_attach_when_started_again(scene: Scene) {
        let calls = || (0..2_500).map(|n| doubling(f64::from(n)).run_id(scene.id(&format!("many-{n}"))));
        let first = soon(scene.client.start_many(calls())).await.unwrap();
        assert!(first.iter().all(sagewai::RunHandle::is_new));
        let again = soon(scene.client.start_many(calls())).await.unwrap();
        assert!(again.iter().all(|run| !run.is_new()));
        for (n, (first, again)) in first.iter().zip(&again).enumerate() {
            assert_eq!(first.id().as_str(), scene.id(&format!("many-{n}")));
            assert_eq!(first.id(), again.id());
        }
        let worker = scene.worker().workflow(doubling).start().await.unwrap();
        let last = soon(first[2_499].result()).await.unwrap();
        assert_eq!(last.to_bits(), 4_998.0_f64.to_bits());
        worker.shutdown().await.unwrap();
    }

    async fn many_of_which_one_cannot_be_stored_start_nothing(scene: Scene) {
        let refused = scene.client.start_many([doubling(1.0), doubling(f64::NAN), doubling(2.0)]).await;
        assert!(matches!(refused, Err(Error::Input { .. })), "{refused:?}");
        assert!(scene.client.runs(&RunFilter::new()).await.unwrap().is_empty());

        // Of two calls with one id, one creates and the other one conflicts.
        let id = scene.id("twice");
        let clash = scene.client.start_many([1.0, 2.0].map(|n| doubling(n).run_id(&*id))).await;
        assert!(matches!(clash, Err(Error::Conflict { .. })), "{clash:?}");
        assert_eq!(scene.client.runs(&RunFilter::new()).await.unwrap().len(), 1);
    }

    async fn bad_input_is_refused_before_anything_is_written(scene: Scene) {
        let refused = [
            doubling(f64::NAN).start(&scene.client).await.unwrap_err(),
            doubling(1.0).run_id("").start(&scene.client).await.unwrap_err(),
            doubling(1.0).run_id("a\nb").start(&scene.client).await.unwrap_err(),
            doubling(1.0).run_id("x".repeat(300)).start(&scene.client).await.unwrap_err(),
            doubling(1.0).pool("").start(&scene.client).await.unwrap_err(),
            doubling(1.0).label("", 1).start(&scene.client).await.unwrap_err(),
            doubling(1.0).label("k", "a\0").start(&scene.client).await.unwrap_err(),
        ];
        assert_eq!(
            refused[0].to_string(),
            "the input of workflow `doubling` cannot be stored: argument `n`: JSON has no number NaN"
        );
        assert!(refused[1..].iter().all(|e| matches!(e, Error::Invalid(_))), "{refused:?}");
        assert!(scene.client.runs(&RunFilter::new()).await.unwrap().is_empty());
    }

    async fn run_is_driven_in_place_without_a_worker(scene: Scene) {
        let settled = soon(doubling(4.0).run_id("in-place").run(&scene.client)).await.unwrap();
        assert_eq!(settled, Settled::Completed(8.0));
        // Again: the stored result, and no step.
        let again = soon(doubling(4.0).run_id("in-place").run(&scene.client)).await.unwrap();
        assert_eq!(again, Settled::Completed(8.0));
        let by_id = scene.client.handle::<doubling>("in-place").await.unwrap();
        assert_eq!(soon(by_id.run()).await.unwrap(), Settled::Completed(8.0));
        let other = scene.client.handle::<other>("in-place").await.unwrap_err();
        assert!(other.to_string().contains("is one of workflow `doubling`, not of `other`"));
        let nobody = scene.client.handle::<other>("nobody").await.unwrap_err();
        assert!(matches!(nobody, Error::NoRun { .. }));
    }

    async fn run_in_place_returns_when_it_waits_and_goes_on_by_its_id(scene: Scene) {
        let settled = soon(asking().run_id("ask").run(&scene.client)).await.unwrap();
        assert_eq!(settled, Settled::Waiting(Waiting::Gate { gate: "ok".into() }));
        assert_eq!(scene.client.status("ask").await.unwrap().unwrap().run.state, RunState::Waiting);
        scene.client.gate("ask", "ok").approve("ann").await.unwrap();
        let handle = scene.client.handle::<asking>("ask").await.unwrap();
        assert_eq!(soon(handle.run()).await.unwrap(), Settled::Completed("ann".into()));
    }

    async fn second_driver_in_place_is_told_that_it_is_running(scene: Scene) {
        let id = scene.id("busy");
        let first = tokio::spawn({
            let (client, id) = (scene.client.clone(), id.clone());
            async move { blocking().run_id(id).run(&client).await }
        });
        crate::support::until(async || (ledger::of(&id).len() == 1).then_some(())).await;
        let second = blocking().run_id(&*id).run(&scene.client).await.unwrap_err();
        assert!(matches!(second, Error::AlreadyRunning { .. }), "{second:?}");
        assert_eq!(soon(first).await.unwrap().unwrap(), Settled::Completed(()));
        assert_eq!(ledger::of(&id), ["begun", "ended"]);
    }
}
