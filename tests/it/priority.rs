//! Which run is claimed first: age, to which each level of priority adds a minute.

use std::time::Duration;

use sagewai::prelude::*;
use sagewai::store::{InMemoryStore, Schema};
use sagewai::{Client, RunState};

use crate::support::soon;
use crate::{ledger, on_every_store};

#[step]
async fn begin(ctx: &StepContext, all: &str) -> Result<()> {
    ledger::note_of(all, ctx.run_id().as_str());
    Ok(())
}

#[workflow]
async fn queued(all: String) -> Result<()> {
    begin(&all).await
}

on_every_store! {
    async fn urgent_runs_go_first_and_then_old_ones(scene: Scene) {
        let all = scene.id("priorities");
        let mut runs = Vec::new();
        for (name, priority) in [("low", -1), ("first", 0), ("second", 0), ("high", 2), ("higher", i16::MAX)] {
            let run = queued(all.clone()).run_id(scene.id(name)).priority(priority);
            runs.push(run.start(&scene.client).await.unwrap());
        }
        let worker = scene.worker().concurrency(1).workflow(queued).start().await.unwrap();
        for run in &runs {
            soon(run.result()).await.unwrap();
        }
        worker.shutdown().await.unwrap();
        let order = ["higher", "high", "first", "second", "low"].map(|name| scene.id(name));
        assert_eq!(ledger::of(&all), order);
    }
}

#[tokio::test]
async fn old_run_is_not_starved_by_urgent_ones_that_keep_coming() {
    let store = InMemoryStore::new();
    store.initialize().await.unwrap();
    let client = Client::new(&store);
    let old = queued("starving".to_owned()).start(&client).await.unwrap();
    let worker = WorkflowWorker::builder(&store).concurrency(1);
    // Each minute ten more come, far more than are driven.
    for _ in 0..6 {
        for _ in 0..10 {
            let urgent = queued("starving".to_owned()).priority(5);
            urgent.start(&client).await.unwrap();
        }
        assert_eq!(old.status().await.unwrap().run.state, RunState::Pending);
        store.advance(Duration::from_mins(1));
    }
    let worker = worker.workflow(queued).start().await.unwrap();
    soon(old.result()).await.unwrap();
    worker.shutdown().await.unwrap();
    let begun = ledger::of("starving");
    let place = begun.iter().position(|run| run == old.id().as_str());
    // Those of the first five minutes were urgent enough, and those of the sixth were not.
    assert_eq!(place, Some(50), "{begun:?}");
}
