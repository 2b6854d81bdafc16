//! Processes that are killed at each commit of agents with tools that are put together: no call that was committed is
//! made again.

use sagewai::CheckpointKind;
use sagewai::prelude::*;

use crate::on_every_shared_store;
use crate::support::field::Field;
use crate::support::{soon, until};

/// What the victims serve; here it is only started.
#[workflow(name = "agents")]
async fn agents(value: u32) -> Result<String> {
    Ok(value.to_string())
}

on_every_shared_store! {
    async fn killed_between_any_two_calls_an_agent_repeats_none_that_was_committed(scene: Scene) {
        let mut n = 0;
        let mut stopped = true;
        while stopped {
            n += 1;
            for point in ["before", "after"] {
                let field = Field::new(&scene);
                let id = format!("agents-{point}-{n}");
                let run = agents(1).run_id(&id).start(&scene.client).await.unwrap();
                let first = field.victim(&[&format!("--stop-{point}-commit"), &n.to_string()]);
                // Beyond its last commit, it does not stand still any more.
                stopped = until(async || {
                    let is_over = run.status().await.unwrap().run.state.is_finished();
                    if field.marker().exists() { Some(true) } else { is_over.then_some(false) }
                }).await;
                let stored = scene.client.journal(run.id()).await.unwrap();
                first.kill();
                let second = field.victim(&[]);
                // 1, 2 + 3 of two tools and 7 of the next are 13; 14 + 15 at once; then two rounds.
                assert_eq!(soon(run.result()).await.unwrap(), "31", "{id}");
                second.kill();
                let journal = scene.client.journal(run.id()).await.unwrap();
                let ordinals: Vec<u32> = journal.checkpoints.iter().map(|c| c.written.ordinal).collect();
                let expected: Vec<u32> = (0..).take(ordinals.len()).collect();
                assert_eq!(ordinals, expected, "{id}");
                let effects = field.effects(&id);
                let steps = |journal: &sagewai::Journal| -> Vec<String> {
                    let steps = journal.checkpoints.iter().filter(|c| c.written.kind == CheckpointKind::Step);
                    steps.map(|c| c.written.position.to_string()).collect()
                };
                for position in steps(&stored) {
                    let ends = effects.get(&format!("end {position}")).copied();
                    assert_eq!(ends, Some(1), "{id}: {position} was committed, and done again");
                }
                assert_eq!(steps(&journal).len(), 11, "{id}: {effects:?}");
                assert_eq!(effects.keys().filter(|k| k.starts_with("end ")).count(), 11, "{id}");
            }
        }
        assert!(n > 8, "it has a commit for each call: {n}");
    }
}
