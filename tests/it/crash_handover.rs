//! Processes that are killed around handovers, and a deploy under running work: nothing that was committed is done again.

use sagewai::prelude::*;
use sagewai::{CheckpointKind, EventKind, RunState};

use crate::on_every_shared_store;
use crate::support::field::Field;
use crate::support::{soon, until};

/// What the victims serve; here it is only started.
#[workflow(name = "filming")]
async fn filming(value: u32) -> Result<u32> {
    Ok(value)
}

mod v1 {
    use sagewai::prelude::*;

    #[workflow(name = "invoice")]
    pub async fn invoice(value: u32) -> Result<u32> {
        Ok(value)
    }
}

mod v2 {
    use sagewai::prelude::*;

    #[workflow(name = "invoice", version = 2)]
    pub async fn invoice(value: u32) -> Result<u32> {
        Ok(value)
    }
}

/// Kills one kind of worker at each of its commits in turn, until it lives to see the end.
async fn killed_at_each_commit_of(scene: crate::support::Scene, kind: &str) {
    let (plain, gpu): (&[&str], &[&str]) = (
        &["--name", "plain"],
        &["--name", "gpu", "--pool", "gpu", "--label", "gpu=yes"],
    );
    let (killed, other) = if kind == "plain" {
        (plain, gpu)
    } else {
        (gpu, plain)
    };
    let (mut n, mut stopped) = (0, true);
    while stopped {
        n += 1;
        for point in ["before", "after"] {
            let field = Field::new(&scene);
            let id = format!("handed-over-{kind}-{point}-{n}");
            let run = filming(1).run_id(&id).start(&scene.client).await.unwrap();
            let (flag, number) = (format!("--stop-{point}-commit"), n.to_string());
            let first = field.victim(&[killed, &[&flag, &number]].concat());
            let beside = field.victim(other);
            stopped = until(async || {
                let is_over = run.status().await.unwrap().run.state.is_finished();
                if field.marker().exists() {
                    Some(true)
                } else {
                    is_over.then_some(false)
                }
            })
            .await;
            let stored = scene.client.journal(run.id()).await.unwrap();
            first.kill();
            let second = field.victim(killed);
            // 2 and its double from the join, 6, and two more steps.
            assert_eq!(soon(run.result()).await.unwrap(), 8, "{id}");
            second.kill();
            beside.kill();

            let effects = field.effects(&id);
            for checkpoint in &stored.checkpoints {
                let position = &checkpoint.written.position;
                if checkpoint.written.kind == CheckpointKind::Step {
                    let ends = effects.get(&format!("end {position}")).copied();
                    assert_eq!(
                        ends,
                        Some(1),
                        "{id}: {position} was committed, and done again"
                    );
                }
            }
            let journal = scene.client.journal(run.id()).await.unwrap();
            let handed_over = journal.events.iter().filter_map(|event| match &event.kind {
                EventKind::HandedOver { worker, .. } => Some(worker.as_str()),
                _ => None,
            });
            for worker in handed_over {
                assert_eq!(
                    worker, "plain",
                    "{id}: whoever has the label keeps it until it sleeps"
                );
            }
        }
    }
    assert!(n > 2, "it has several commits: {n}");
}

on_every_shared_store! {
    async fn killed_at_each_commit_before_it_hands_over_nothing_is_repeated(scene: Scene) {
        killed_at_each_commit_of(scene, "plain").await;
    }

    async fn killed_at_each_commit_after_it_was_handed_the_run_nothing_is_repeated(scene: Scene) {
        killed_at_each_commit_of(scene, "gpu").await;
    }

    async fn deploy_of_a_changed_workflow_leaves_runs_to_the_version_they_began_with(scene: Scene) {
        let c = &scene.client;
        let field = Field::new(&scene);
        let old = field.victim(&["--name", "old", "--deploy", "1"]);
        let before = v1::invoice(1).run_id("before").start(c).await.unwrap();
        until(async || (before.status().await.unwrap().run.state == RunState::Waiting).then_some(())).await;

        // Old and new side by side: each run is its version's.
        let after = v2::invoice(1).run_id("after").start(c).await.unwrap();
        let unserved = until(async || c.unserved().await.unwrap().pop()).await;
        assert_eq!((unserved.queue.version, unserved.runs), (2, 1));
        let new = field.victim(&["--name", "new", "--deploy", "2"]);
        until(async || (after.status().await.unwrap().run.state == RunState::Waiting).then_some(())).await;
        assert_eq!(after.status().await.unwrap().worker.as_deref(), Some("new"));
        c.workers().drain("old").await.unwrap();
        let mut old = old;
        assert!(until(async || old.0.try_wait().unwrap()).await.success());
        for (run, expected) in [(&before.id().clone(), 3), (&after.id().clone(), 4)] {
            c.gate(run.as_str(), "go").approve("ann").await.unwrap();
            let ended = if expected == 3 { soon(before.result()).await } else { soon(after.result()).await };
            assert_eq!(ended.unwrap(), expected);
        }
        for step in ["one", "two"] {
            assert_eq!(field.effects("before")[&format!("end {step}")], 1);
        }
        new.kill();
    }
}
