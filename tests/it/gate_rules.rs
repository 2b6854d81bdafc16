//! Who may decide at a gate, how many it takes, until when, and about what.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{Error, EventKind, OnDeadline, RunState, VoteRefused, Waiting};

use crate::on_every_store;
use crate::support::{Scene, soon, until};

#[workflow]
async fn release(version: u32) -> Result<String> {
    let decision = approval("release")
        .prompt(format!("Release version {version}?"))
        .context(&version)
        .reviewers(["ann", "bob"])
        .reviewer_groups(["owners"])
        .quorum(2)
        .no_self_approval()
        .await?;
    Ok(decision.by)
}

#[workflow]
async fn until_deadline(millis: u64, outcome: u8) -> Result<String> {
    let then = match outcome {
        0 => OnDeadline::Approve,
        1 => OnDeadline::Reject,
        _ => OnDeadline::Fail,
    };
    let decision = approval("review")
        .deadline(Duration::from_millis(millis))
        .on_deadline(then)
        .remind_every(Duration::from_millis(millis / 3 + 1))
        .await?;
    Ok(decision.by)
}

/// The gate loses its race.
#[workflow]
async fn impatient(millis: u64) -> Result<String> {
    let asked = approval("review")
        .timeout(Duration::from_millis(millis))
        .await;
    let first = match asked {
        Ok(decision) => decision.by,
        Err(fault) => fault.to_string(),
    };
    approval("after").await?;
    Ok(first)
}

#[workflow]
async fn never(quorum: u32) -> Result<()> {
    approval("review").reviewers(["ann"]).quorum(quorum).await?;
    Ok(())
}

async fn waits_at(scene: &Scene, run: &str, gate: &str) {
    until(async || {
        let status = scene.client.status(run).await.unwrap().unwrap();
        (status.run.waiting == Some(Waiting::Gate { gate: gate.into() })).then_some(())
    })
    .await;
}

on_every_store! {
    async fn only_reviewers_count_and_it_takes_two(scene: Scene) {
        let worker = scene.worker().workflow(release).start().await.unwrap();
        let run = release(7).started_by("ann").start(&scene.client).await.unwrap();
        waits_at(&scene, run.id().as_str(), "release").await;
        let gate = scene.client.gate(run.id().as_str(), "release");
        let refused = async |call: sagewai::client::ApproveCall| match call.await.unwrap_err() {
            Error::VoteRefused { why, .. } => *why,
            other => panic!("{other}"),
        };
        assert!(matches!(refused(gate.approve("eve")).await, VoteRefused::NotAReviewer { .. }));
        assert!(matches!(refused(gate.approve("ann")).await, VoteRefused::SelfApproval { .. }));
        assert!(matches!(refused(gate.approve("bob").seen("0")).await, VoteRefused::OtherContext));

        let shown = gate.get().await.unwrap().unwrap();
        assert_eq!((shown.rules.quorum, shown.votes.len()), (2, 0));
        let first = gate.approve("bob").comment("fine").seen(&shown.digest).await.unwrap();
        assert_eq!(first, sagewai::client::Standing::Counted { approvals: 1, quorum: 2 });
        gate.approve("bob").await.unwrap();
        assert!(matches!(refused(gate.reject("bob", "no")).await, VoteRefused::VotedOtherwise(_)));
        assert_eq!(scene.client.gates().pending().await.unwrap()[0].votes.len(), 1);
        gate.approve("olga").groups(["owners"]).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "olga");
        let events = scene.client.journal(run.id()).await.unwrap().events;
        let told: Vec<&str> = events.iter().map(|e| e.kind.word()).filter(|w| w.ends_with("ed")).collect();
        assert!(told.windows(2).any(|pair| pair == ["voted", "decided"]), "{told:?}");
        worker.shutdown().await.unwrap();
    }

    async fn early_votes_are_judged_when_the_run_asks(scene: Scene) {
        let run = release(8).started_by("zoe").start(&scene.client).await.unwrap();
        let gate = scene.client.gate(run.id().as_str(), "release");
        for person in ["eve", "ann", "bob"] {
            assert_eq!(gate.approve(person).await.unwrap(), sagewai::client::Standing::Early);
        }
        let worker = scene.worker().workflow(release).start().await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "bob", "eve does not count");
        let gate = gate.get().await.unwrap().unwrap();
        assert_eq!(gate.decision.unwrap().0.by, "bob");
        let events = scene.client.journal(run.id()).await.unwrap().events;
        let told: Vec<&str> = events.iter().map(|e| e.kind.word()).collect();
        assert_eq!(told, ["voted", "voted", "voted", "decided"]);
        worker.shutdown().await.unwrap();
    }

    async fn deadline_decides_as_the_rules_say(scene: Scene) {
        let reminded = Arc::new(Mutex::new(0));
        let counter = reminded.clone();
        let worker = scene.worker().workflow(until_deadline)
            .on_reminder(move |_| *counter.lock().unwrap() += 1)
            .start().await.unwrap();
        let approved = until_deadline(60, 0).start(&scene.client).await.unwrap();
        let rejected = until_deadline(60, 1).start(&scene.client).await.unwrap();
        let failed = until_deadline(60, 2).start(&scene.client).await.unwrap();
        assert_eq!(soon(approved.result()).await.unwrap(), "deadline");
        let rejected = soon(rejected.outcome()).await.unwrap().unwrap_err();
        assert!(matches!(rejected.fault(), Some(Fault::Rejected { reviewer, .. }) if reviewer == "deadline"));
        let outcome = soon(failed.outcome()).await.unwrap().unwrap_err();
        assert!(matches!(outcome.fault(), Some(Fault::TimedOut { .. })), "{outcome:?}");
        assert!(scene.client.gates().pending().await.unwrap().is_empty());
        assert!(*reminded.lock().unwrap() >= 3);
        let journal = scene.client.journal(failed.id()).await.unwrap();
        assert!(journal.events.iter().any(|e| matches!(&e.kind, EventKind::Reminded { times: 1, .. })));
        let late = scene.client.gate(failed.id().as_str(), "review").approve("ann").await.unwrap_err();
        assert!(matches!(late, Error::AlreadyDecided { .. }), "{late}");
        worker.shutdown().await.unwrap();
    }

    async fn decision_before_the_deadline_counts(scene: Scene) {
        let worker = scene.worker().workflow(until_deadline).start().await.unwrap();
        let run = until_deadline(3_600_000, 1).start(&scene.client).await.unwrap();
        waits_at(&scene, run.id().as_str(), "review").await;
        let status = run.status().await.unwrap();
        assert!(status.run.due_at.is_some(), "it wakes for its reminder and its deadline");
        scene.client.gate(run.id().as_str(), "review").approve("ann").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "ann");
        worker.shutdown().await.unwrap();
    }

    async fn gate_whose_time_is_over_is_withdrawn(scene: Scene) {
        let worker = scene.worker().workflow(impatient).start().await.unwrap();
        let run = impatient(30).start(&scene.client).await.unwrap();
        let id = run.id().as_str();
        waits_at(&scene, id, "after").await;
        let open = scene.client.gates().pending().await.unwrap();
        let names: Vec<&str> = open.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["after"], "nobody is asked for nothing");
        let late = scene.client.gate(id, "review").approve("ann").await.unwrap_err();
        assert!(late.to_string().contains("another branch was faster"), "{late}");
        scene.client.gate(id, "after").approve("ann").await.unwrap();
        let first = soon(run.result()).await.unwrap();
        assert_eq!(first, "timeout: `approval:review` did not end within 30ms");
        worker.shutdown().await.unwrap();
    }

    async fn gate_that_nobody_could_decide_fails_the_run(scene: Scene) {
        let worker = scene.worker().workflow(never).workflow(release).start().await.unwrap();
        for (quorum, says) in [(0, "would need nobody"), (2, "cannot be reached by 1 reviewers")] {
            let run = never(quorum).start(&scene.client).await.unwrap();
            let failure = soon(run.outcome()).await.unwrap().unwrap_err();
            assert!(failure.message().contains(says), "{failure}");
        }
        let nobody = release(1).start(&scene.client).await.unwrap();
        let failure = soon(nobody.outcome()).await.unwrap().unwrap_err();
        assert!(failure.message().contains("started_by"), "{failure}");
        worker.shutdown().await.unwrap();
    }

    async fn retry_of_a_rejected_run_asks_anew(scene: Scene) {
        let worker = scene.worker().workflow(release).start().await.unwrap();
        let run = release(9).started_by("zoe").start(&scene.client).await.unwrap();
        let gate = scene.client.gate(run.id().as_str(), "release");
        gate.reject("ann", "not yet").await.unwrap();
        soon(run.outcome()).await.unwrap().unwrap_err();
        run.retry("ops").await.unwrap();
        waits_at(&scene, run.id().as_str(), "release").await;
        gate.approve("ann").await.unwrap();
        gate.approve("bob").await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap(), "bob");
        assert_eq!(run.status().await.unwrap().run.state, RunState::Completed);
        worker.shutdown().await.unwrap();
    }
}
