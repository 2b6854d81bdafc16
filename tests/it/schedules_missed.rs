//! Firings that nobody was there for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sagewai::model::{Commit, Verdict};
use sagewai::prelude::*;
use sagewai::store::{AnyStore, InMemoryStore, Schema};
use sagewai::{CatchUp, Client, Overlap, RunId, Schedule, SkipReason};
use sagewai_tests::watched_store::{CommitWatch, WatchedStore};

use crate::on_every_store;
use crate::schedules::{all_runs, firings_ago, get, hourly, report, until_counts};
use crate::support::{Scene, soon, until};

/// Puts a schedule, lets six firings pass without a worker, and tells what has become of it then.
async fn after_six_firings(
    scene: &Scene,
    catch_up: CatchUp,
    fired: u64,
    skipped: u64,
) -> Vec<String> {
    let schedule = hourly("late").overlap(Overlap::Allow).catch_up(catch_up);
    let schedules = scene.client.schedules();
    schedules
        .put(schedule.runs(report("eu".into())))
        .await
        .unwrap();
    firings_ago(scene, "late", 6).await;
    let worker = scene.worker().workflow(report).start().await.unwrap();
    let record = until_counts(scene, "late", fired, skipped).await;
    if skipped > 0 {
        assert_eq!(
            record.progress.last_skip.unwrap().because,
            SkipReason::Missed
        );
    }
    let runs = all_runs(scene).await;
    for run in &runs {
        soon(
            scene
                .client
                .handle::<report>(run.as_str())
                .await
                .unwrap()
                .result(),
        )
        .await
        .unwrap();
    }
    worker.shutdown().await.unwrap();
    runs
}

on_every_store! {
    async fn missed_firings_are_left_out(scene: Scene) {
        assert!(after_six_firings(&scene, CatchUp::Skip, 0, 6).await.is_empty());
    }

    async fn last_missed_firing_is_made_up_for(scene: Scene) {
        let runs = after_six_firings(&scene, CatchUp::Latest, 1, 5).await;
        let last = get(&scene, "late").await.progress.last.unwrap();
        assert_eq!(runs, [last.run.to_string()]);
    }

    async fn missed_firings_are_made_up_for_up_to_a_number(scene: Scene) {
        let runs = after_six_firings(&scene, CatchUp::All { max: 4 }, 4, 2).await;
        assert_eq!(runs.len(), 4);
    }

    async fn deploy_of_other_code_after_an_outage_loses_no_firing(scene: Scene) {
        let schedules = scene.client.schedules();
        schedules.put(hourly("late").runs(report("eu".into()))).await.unwrap();
        firings_ago(&scene, "late", 1).await;
        let other = hourly("late").runs(report("us".into()));
        let worker = scene.worker().workflow(report).schedule(other).start().await.unwrap();
        let run = until_counts(&scene, "late", 1, 0).await.progress.last.unwrap().run;
        let result = soon(scene.client.handle::<report>(&run).await.unwrap().result()).await;
        assert_eq!(result.unwrap(), "report for us");
        worker.shutdown().await.unwrap();
    }

    async fn decision_whose_worker_died_is_carried_out(scene: Scene) {
        // What a worker leaves that dies after it has decided: the run is not there, or it is and the record does not
        // say so. The process itself is killed in `schedules_crash`.
        for (name, started) in [("decided", false), ("started", true)] {
            let put = hourly(name).runs(report("eu".into()));
            let mut record = scene.client.schedules().put(put).await.unwrap();
            let firing = record.progress.next_at.unwrap();
            let run = record.run_id(firing).unwrap();
            let revision = record.revision;
            record.revision += 1;
            record.due_at = Some(scene.store.now().await.unwrap());
            record.progress.next_at = Some(firing.after(Duration::from_hours(1)));
            record.progress.starting = vec![firing];
            assert!(scene.store.save_schedule(&record, Some(revision)).await.unwrap());
            if started {
                report("eu".into()).run_id(run.as_str()).start(&scene.client).await.unwrap();
            }
            let worker = scene.worker().workflow(report).start().await.unwrap();
            let settled = until_counts(&scene, name, 1, 0).await;
            assert_eq!(settled.progress.last.unwrap().run, run);
            soon(scene.client.handle::<report>(&run).await.unwrap().result()).await.unwrap();
            worker.shutdown().await.unwrap();
        }
        assert_eq!(all_runs(&scene).await.len(), 2);
    }

    async fn id_that_is_taken_is_left_out_and_told(scene: Scene) {
        let schedules = scene.client.schedules();
        schedules.put(hourly("taken").runs(report("eu".into()))).await.unwrap();
        let firing = firings_ago(&scene, "taken", 1).await;
        let record = get(&scene, "taken").await;
        let run: RunId = record.run_id(sagewai::Timestamp::from_system(firing)).unwrap();
        report("mars".into()).run_id(run.as_str()).start(&scene.client).await.unwrap();
        let worker = scene.worker().workflow(report).start().await.unwrap();
        let record = until_counts(&scene, "taken", 0, 1).await;
        assert_eq!(record.progress.last_skip.unwrap().because, SkipReason::IdTaken { run });
        worker.shutdown().await.unwrap();
    }
}

/// The clock of the store counts, and not the machine's.
#[tokio::test]
async fn schedule_fires_by_the_clock_of_the_store() {
    let store = InMemoryStore::new();
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .poll_interval(Duration::from_millis(20))
        .lease(Duration::from_hours(10_000))
        .workflow(report)
        .schedule(Schedule::cron("yearly", "@yearly").runs(report("eu".into())))
        .start()
        .await
        .unwrap();
    let firing = client.schedules().upcoming("yearly", 1).await.unwrap()[0];
    let now = store.now().await.unwrap().to_system();
    store.advance(firing.duration_since(now).unwrap());
    let last = until(async || {
        let record = client.schedules().get("yearly").await.unwrap().unwrap();
        record.progress.last
    })
    .await;
    assert_eq!(last.firing.to_system(), firing);
    let run = client.handle::<report>(&last.run).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), "report for eu");
    worker.shutdown().await.unwrap();
}

/// Counts what is asked of the store for the sake of schedules.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

#[async_trait]
impl CommitWatch for Counted {
    async fn before(&self, _: &Commit) {}
    async fn after(&self, _: &Commit, _: Verdict) {}
    async fn looks_for_schedules(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn idle_worker_asks_nothing_more_for_schedules_that_are_not_due() {
    let memory = InMemoryStore::new();
    let counted = Arc::new(Counted::default());
    let store = AnyStore::new(WatchedStore::new(AnyStore::from(&memory), counted.clone()));
    let client = Client::new(&store);
    client
        .schedules()
        .put(hourly("far").runs(report("eu".into())))
        .await
        .unwrap();
    let worker = WorkflowWorker::builder(&store)
        .poll_interval(Duration::from_millis(1))
        .heartbeat_interval(Duration::from_millis(20))
        .workflow(report)
        .start()
        .await
        .unwrap();
    // It has polled many times when it has said many times that it lives.
    let mut seen = std::collections::BTreeSet::new();
    until(async || {
        seen.insert(store.workers(Duration::ZERO).await.unwrap()[0].seen_at);
        (seen.len() >= 10).then_some(())
    })
    .await;
    worker.shutdown().await.unwrap();
    let due = get_due(&client).await;
    assert!(due, "the hour has not passed meanwhile");
    assert_eq!(counted.0.load(Ordering::SeqCst), 0);
}

/// Whether the schedule still has its first firing before it.
async fn get_due(client: &Client) -> bool {
    let record = client.schedules().get("far").await.unwrap().unwrap();
    record.progress.fired + record.progress.skipped == 0
}
