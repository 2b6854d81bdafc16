//! Waiting for a person.

use sagewai::prelude::*;
use sagewai::{Error, RunState, Waiting};
use serde::{Deserialize, Serialize};

use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Draft {
    title: String,
}

#[step]
async fn publish(ctx: &StepContext, by: &str) -> Result<String> {
    ledger::note(ctx, format!("publish {by}"));
    Ok(format!("published by {by}"))
}

#[workflow]
async fn review(title: String) -> Result<String> {
    let draft = Draft { title };
    let decision = approval("review")
        .prompt(format!("Publish {}?", draft.title))
        .context(&draft)
        .await?;
    publish(&decision.by).await
}

#[workflow]
async fn two_gates() -> Result<String> {
    let one = approval("legal").await?;
    let two = approval("legal").await?;
    Ok(format!("{} {}", one.by, two.by))
}

/// A rejection that the workflow handles.
#[workflow]
async fn forgiving() -> Result<String> {
    match approval("review").await {
        Ok(decision) => Ok(decision.by),
        Err(Fault::Rejected {
            reason, reviewer, ..
        }) => Ok(format!("{reviewer} said {reason}")),
        Err(fault) => Err(fault.into()),
    }
}

async fn waits_at(scene: &Scene, run: &str, gate: &str) {
    until(async || {
        let status = scene.client.status(run).await.unwrap().unwrap();
        (status.run.waiting == Some(Waiting::Gate { gate: gate.into() })).then_some(())
    })
    .await;
}

on_every_store! {
    async fn run_waits_until_a_person_approves(scene: Scene) {
        let worker = scene.worker().workflow(review).start().await.unwrap();
        let run = review("Tides".into()).start(&scene.client).await.unwrap();
        waits_at(&scene, run.id().as_str(), "review").await;

        let open = scene.client.gates().pending().await.unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!((&open[0].run, open[0].prompt.as_str()), (run.id(), "Publish Tides?"));
        let shown: Draft = open[0].context.as_ref().unwrap().decode().unwrap();
        assert_eq!(shown.title, "Tides");
        let status = run.status().await.unwrap();
        assert_eq!((status.run.state, status.run.error), (RunState::Waiting, None));

        scene.client.gate(run.id().as_str(), "review").approve("editor@acme.com").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "published by editor@acme.com");
        assert!(scene.client.gates().pending().await.unwrap().is_empty());
        worker.shutdown().await.unwrap();
    }

    async fn rejection_is_terminal_with_reason_and_reviewer(scene: Scene) {
        let worker = scene.worker().workflow(review).workflow(forgiving).start().await.unwrap();
        let run = review("Tides".into()).start(&scene.client).await.unwrap();
        let other = forgiving().start(&scene.client).await.unwrap();
        scene.client.gate(run.id().as_str(), "review").reject("ann", "too long").await.unwrap();
        scene.client.gate(other.id().as_str(), "review").reject("bob", "too short").await.unwrap();
        let failure = soon(run.outcome()).await.unwrap().unwrap_err();
        assert_eq!(
            failure.fault(),
            Some(&Fault::Rejected { gate: "review".into(), reason: "too long".into(), reviewer: "ann".into() })
        );
        assert!(ledger::of(run.id()).is_empty());
        assert_eq!(soon(other.result()).await.unwrap(), "bob said too short");
        worker.shutdown().await.unwrap();
    }

    async fn decision_before_the_question_is_kept(scene: Scene) {
        let run = review("Early".into()).start(&scene.client).await.unwrap();
        scene.client.gate(run.id().as_str(), "review").approve("ann").await.unwrap();
        let worker = scene.worker().workflow(review).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "published by ann");
        worker.shutdown().await.unwrap();
    }

    async fn gate_decided_twice_keeps_first_answer(scene: Scene) {
        let run = review("Twice".into()).start(&scene.client).await.unwrap();
        let gate = scene.client.gate(run.id().as_str(), "review");
        gate.approve("ann").await.unwrap();
        gate.approve("ann").await.unwrap();
        let second = gate.reject("bob", "no").await.unwrap_err();
        assert!(second.to_string().contains("was approved by ann already"), "{second}");
        let worker = scene.worker().workflow(review).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "published by ann");
        worker.shutdown().await.unwrap();
    }

    async fn two_gates_need_two_decisions(scene: Scene) {
        let worker = scene.worker().workflow(two_gates).start().await.unwrap();
        let run = two_gates().start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        waits_at(&scene, id, "legal").await;
        scene.client.gate(id, "legal").approve("ann").await.unwrap();
        waits_at(&scene, id, "legal#2").await;
        scene.client.gate(id, "legal#2").approve("bob").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "ann bob");
        worker.shutdown().await.unwrap();
    }

    async fn decision_goes_to_one_run_only(scene: Scene) {
        let worker = scene.worker().workflow(review).start().await.unwrap();
        let approved = review("A".into()).start(&scene.client).await.unwrap();
        let other = review("B".into()).start(&scene.client).await.unwrap();
        scene.client.gate(approved.id().as_str(), "review").approve("ann").await.unwrap();
        soon(approved.result()).await.unwrap();
        waits_at(&scene, other.id().as_str(), "review").await;
        worker.shutdown().await.unwrap();
    }

    async fn decision_about_a_finished_or_unknown_run_is_an_error(scene: Scene) {
        let worker = scene.worker().workflow(review).start().await.unwrap();
        let run = review("Done".into()).start(&scene.client).await.unwrap();
        let gate = scene.client.gate(run.id().as_str(), "review");
        gate.approve("ann").await.unwrap();
        soon(run.result()).await.unwrap();
        let late = scene.client.gate(run.id().as_str(), "other").approve("bob").await.unwrap_err();
        assert!(matches!(late, Error::WrongState { state: RunState::Completed, .. }), "{late:?}");
        let nobody = scene.client.gate("nobody", "review").approve("bob").await.unwrap_err();
        assert!(matches!(nobody, Error::NoRun { .. }));
        let nameless = gate.approve("").await.unwrap_err();
        assert!(matches!(nameless, Error::Invalid(_)));
        let speechless = gate.reject("bob", " ").await.unwrap_err();
        assert!(matches!(speechless, Error::Invalid(_)));
        worker.shutdown().await.unwrap();
    }

    async fn decisions_race_with_parking_and_none_is_lost(scene: Scene) {
        let worker = scene.worker().workflow(review).start().await.unwrap();
        let mut runs = Vec::new();
        for n in 0..60 {
            let run = review(format!("{n}")).start(&scene.client).await.unwrap();
            let gate = scene.client.gate(run.id().as_str(), "review");
            // At every moment of the run's life: before its claim, while it asks, after it sleeps.
            runs.push((run, tokio::spawn(async move {
                tokio::time::sleep(std::time::Duration::from_micros(n * 150)).await;
                gate.approve("ann").await
            })));
        }
        for (run, decided) in runs {
            decided.await.unwrap().unwrap();
            soon(run.result()).await.unwrap();
            assert_eq!(ledger::of(run.id()), ["publish ann"]);
        }
        worker.shutdown().await.unwrap();
    }
}
