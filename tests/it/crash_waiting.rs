//! Processes that are killed around each wait and each wake-up: nothing is lost, nothing is taken or done twice.

use sagewai::prelude::*;
use sagewai::{CheckpointKind, RunState};

use crate::on_every_shared_store;
use crate::support::field::Field;
use crate::support::{Scene, soon, until};

/// What the victims serve; here it is only started.
#[workflow(name = "waiting")]
async fn waiting(value: u32) -> Result<u32> {
    Ok(value)
}

on_every_shared_store! {
    async fn killed_at_each_commit_around_waits_nothing_is_lost_or_taken_twice(scene: Scene) {
        let mut n = 0;
        let mut stopped = true;
        while stopped {
            n += 1;
            for point in ["before", "after"] {
                let field = Field::new(&scene);
                let id = format!("waiting-{point}-{n}");
                let run = waiting(1).run_id(&id).start(&scene.client).await.unwrap();
                // Half of the time, all comes before it is asked for.
                let early = n % 2 == 0;
                if early {
                    send(&scene, &id).await;
                }
                let first = field.victim(&[&format!("--stop-{point}-commit"), &n.to_string()]);
                stopped = until(async || {
                    let state = run.status().await.unwrap().run.state;
                    if field.marker().exists() {
                        return Some(true);
                    }
                    if state == RunState::Waiting && !early {
                        send(&scene, &id).await;
                    }
                    state.is_finished().then_some(false)
                }).await;
                first.kill();
                send(&scene, &id).await;
                let second = field.victim(&[]);
                // 4 of the first child, 10 that were sent, 7 + 13 of the two children, 100 and 1, and one of the last step.
                assert_eq!(soon(run.result()).await.unwrap(), 122, "{id}");
                second.kill();
                let journal = scene.client.journal(run.id()).await.unwrap();
                let of = |kind: CheckpointKind| {
                    journal.checkpoints.iter().filter(|c| c.written.kind == kind).count()
                };
                assert_eq!((of(CheckpointKind::Signal), of(CheckpointKind::Gate)), (1, 1), "{id}");
                let children = scene.client.children(run.id()).await.unwrap();
                assert_eq!(children.len(), 3, "{id}");
                assert!(children.iter().all(|c| c.state == RunState::Completed), "{id}");
                let left = scene.client.signals(run.id()).await.unwrap();
                assert!(left.is_empty(), "{id}: {left:?}");
                assert_eq!(field.effects(&id).get("end one").copied().map(|n| n <= 2), Some(true), "{id}");
            }
        }
        assert!(n > 8, "it has several commits: {n}");
    }

    async fn message_and_cancel_while_nobody_lives_are_found_by_the_next(scene: Scene) {
        let field = Field::new(&scene);
        let goes_on = waiting(1).run_id("goes-on").start(&scene.client).await.unwrap();
        let ends = waiting(1).run_id("ends").start(&scene.client).await.unwrap();
        let first = field.victim(&[]);
        for run in [&goes_on, &ends] {
            until(async || {
                let waiting = run.status().await.unwrap().run.waiting;
                matches!(waiting, Some(sagewai::Waiting::Signal { .. })).then_some(())
            }).await;
        }
        first.kill();
        ends.cancel("ann", "no longer needed").await.unwrap();
        send(&scene, "goes-on").await;
        let second = field.victim(&[]);
        assert_eq!(soon(goes_on.result()).await.unwrap(), 122);
        assert!(matches!(soon(ends.result()).await, Err(sagewai::Error::Cancelled { .. })));
        assert!(!field.effects("ends").contains_key("begin one"));
        second.kill();
    }
}

/// Sends what the run waits for; again is fine.
async fn send(scene: &Scene, run: &str) {
    let sent = scene
        .client
        .signal(run, "more", &10)
        .id("the only one")
        .await;
    let voted = scene.client.gate(run, "go").approve("ann").await;
    // A run that is over wants nothing.
    for refused in [sent.err(), voted.err()].into_iter().flatten() {
        assert!(
            matches!(refused, sagewai::Error::WrongState { .. }),
            "{refused}"
        );
    }
}
