//! Runs that start by the clock.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sagewai::prelude::*;
use sagewai::{
    CatchUp, Error, Overlap, RunFilter, RunState, Schedule, ScheduleRecord, SkipReason, Timing,
};

use crate::support::{Scene, soon, until};
use crate::{ledger, on_every_store};

#[step]
async fn write_report(ctx: &StepContext, region: &str) -> Result<String> {
    ledger::note(ctx, region);
    Ok(format!("report for {region}"))
}

#[workflow]
pub async fn report(region: String) -> Result<String> {
    write_report(&region).await
}

/// Goes on as long as a person lets it.
#[workflow]
pub async fn guarded() -> Result<()> {
    approval("end").await?;
    Ok(())
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);

/// Fires half an hour from now, and each hour before and after: while a test runs, nothing comes up by itself.
pub fn hourly(name: &str) -> Schedule {
    static LONG_AGO: LazyLock<SystemTime> =
        LazyLock::new(|| SystemTime::now() + HOUR / 2 - 1_000 * HOUR);
    Schedule::every(name, HOUR).starting(*LONG_AGO)
}

pub async fn get(scene: &Scene, name: &str) -> ScheduleRecord {
    scene.client.schedules().get(name).await.unwrap().unwrap()
}

/// Moves a schedule instead of the clock: it is as if its last firing had been so many firings ago.
pub async fn firings_ago(scene: &Scene, name: &str, firings: u32) -> SystemTime {
    let mut record = get(scene, name).await;
    let revision = record.revision;
    let next_at = record.progress.next_at.unwrap().to_system();
    let earlier = next_at - HOUR * firings;
    let earlier_at = sagewai::Timestamp::from_system(earlier);
    record.progress.next_at = Some(earlier_at);
    record.due_at = Some(earlier_at);
    record.revision += 1;
    assert!(
        scene
            .store
            .save_schedule(&record, Some(revision))
            .await
            .unwrap()
    );
    earlier
}

/// Waits until a schedule has a certain number of firings behind it, started and left out.
pub async fn until_counts(scene: &Scene, name: &str, fired: u64, skipped: u64) -> ScheduleRecord {
    until(async || {
        let record = get(scene, name).await;
        let there = (record.progress.fired, record.progress.skipped) == (fired, skipped);
        (there && record.progress.starting.is_empty()).then_some(record)
    })
    .await
}

/// Ids of all runs, oldest first.
pub async fn all_runs(scene: &Scene) -> Vec<String> {
    let runs = scene
        .client
        .runs(&RunFilter::new().limit(1_000))
        .await
        .unwrap();
    runs.iter().rev().map(|run| run.id.to_string()).collect()
}

on_every_store! {
    async fn three_workers_start_one_run_a_firing(scene: Scene) {
        let name = scene.id("tick");
        let schedule = Schedule::every(&name, SECOND).overlap(Overlap::Allow).runs(report("eu".into()));
        let mut workers = Vec::new();
        for n in 0..3 {
            let worker = scene.worker().name(format!("w{n}")).workflow(report).schedule(schedule.clone());
            workers.push(worker.start().await.unwrap());
        }
        let record = until(async || {
            let record = get(&scene, &name).await;
            (record.progress.fired >= 3).then_some(record)
        }).await;
        scene.client.schedules().pause(&name, "ann").await.unwrap();
        let ended = until(async || {
            let record = get(&scene, &name).await;
            record.progress.starting.is_empty().then_some(record)
        }).await;
        for worker in workers {
            worker.shutdown().await.unwrap();
        }
        let runs = all_runs(&scene).await;
        assert_eq!(runs.len() as u64, ended.progress.fired);
        for run in runs.iter().take(3) {
            assert!(run.starts_with(&format!("{name}@20")) && run.ends_with('Z'), "{run}");
            let handle = scene.client.handle::<report>(run.as_str()).await.unwrap();
            let status = handle.status().await.unwrap().run.state;
            assert!(matches!(status, RunState::Completed | RunState::Pending), "{status}");
            assert!(ledger::of(run).len() <= 1, "once each");
        }
        let last = record.progress.last.unwrap();
        assert!(runs.contains(&last.run.to_string()));
    }

    async fn worker_fires_what_it_does_not_serve_and_notices_a_put_within_its_poll(scene: Scene) {
        let worker = scene.worker().workflow(guarded).start().await.unwrap();
        let put = Schedule::every("other", SECOND).overlap(Overlap::Skip).runs(report("eu".into()).pool("reports").priority(3));
        scene.client.schedules().put(put).await.unwrap();
        let record = until(async || {
            let record = get(&scene, "other").await;
            record.progress.last.is_some().then_some(record)
        }).await;
        let run = scene.client.status(&record.progress.last.unwrap().run).await.unwrap().unwrap().run;
        assert_eq!((run.state, run.pool.as_str(), run.priority), (RunState::Pending, "reports", 3));
        worker.shutdown().await.unwrap();
    }

    async fn firing_is_left_out_while_the_last_run_goes_on(scene: Scene) {
        let schedules = scene.client.schedules();
        schedules.put(hourly("busy").runs(guarded())).await.unwrap();
        firings_ago(&scene, "busy", 1).await;
        let worker = scene.worker().workflow(guarded).start().await.unwrap();
        let first = until_counts(&scene, "busy", 1, 0).await.progress.last.unwrap().run;
        firings_ago(&scene, "busy", 1).await;
        let record = until_counts(&scene, "busy", 1, 1).await;
        let because = record.progress.last_skip.unwrap().because;
        assert_eq!(because, SkipReason::Overlap { run: first.clone() });
        assert_eq!(because.to_string(), format!("run `{first}` had not ended"));
        assert_eq!(all_runs(&scene).await.len(), 1);

        scene.client.gate(first.as_str(), "end").approve("ann").await.unwrap();
        soon(scene.client.handle::<guarded>(&first).await.unwrap().result()).await.unwrap();
        // Another time than those before, which have had their run.
        firings_ago(&scene, "busy", 5).await;
        until_counts(&scene, "busy", 2, 5).await;
        worker.shutdown().await.unwrap();
    }

    async fn queued_firing_starts_when_the_last_run_has_ended(scene: Scene) {
        let schedules = scene.client.schedules();
        let queued = hourly("line").overlap(Overlap::Queue).catch_up(CatchUp::All { max: 3 });
        schedules.put(queued.runs(guarded())).await.unwrap();
        firings_ago(&scene, "line", 3).await;
        let worker = scene.worker().workflow(guarded).start().await.unwrap();
        let mut ended = Vec::new();
        for fired in 1..=3_u32 {
            let record = until_counts(&scene, "line", fired.into(), 0).await;
            assert_eq!(record.progress.waiting.len(), (3 - fired) as usize);
            let run = record.progress.last.unwrap().run;
            assert!(!ended.contains(&run));
            scene.client.gate(run.as_str(), "end").approve("ann").await.unwrap();
            soon(scene.client.handle::<guarded>(&run).await.unwrap().result()).await.unwrap();
            ended.push(run);
        }
        assert_eq!(all_runs(&scene).await.len(), 3);
        worker.shutdown().await.unwrap();
    }

    async fn last_run_is_cancelled_for_the_next_firing(scene: Scene) {
        let schedules = scene.client.schedules();
        schedules.put(hourly("fresh").overlap(Overlap::CancelOld).runs(guarded())).await.unwrap();
        firings_ago(&scene, "fresh", 1).await;
        let worker = scene.worker().workflow(guarded).start().await.unwrap();
        let old = until_counts(&scene, "fresh", 1, 0).await.progress.last.unwrap().run;
        // The next one is half an hour after the first, which is about now.
        let mut record = get(&scene, "fresh").await;
        let (revision, next_at) = (record.revision, record.progress.next_at.unwrap().to_system());
        let next_at = sagewai::Timestamp::from_system(next_at - HOUR / 2);
        record.definition.timing = Timing::Every { seconds: 1_800 };
        (record.progress.next_at, record.due_at) = (Some(next_at), Some(next_at));
        record.revision += 1;
        assert!(scene.store.save_schedule(&record, Some(revision)).await.unwrap());

        let new = until_counts(&scene, "fresh", 2, 0).await.progress.last.unwrap().run;
        assert_ne!(old, new);
        assert_eq!(scene.client.status(&old).await.unwrap().unwrap().run.state, RunState::Cancelled);
        let run = scene.client.status(&new).await.unwrap().unwrap().run;
        assert!(!run.state.is_finished());
        assert_eq!(run.header.started_by.as_deref(), Some("schedule fresh"));
        worker.shutdown().await.unwrap();
    }

    async fn put_creates_leaves_alone_and_replaces(scene: Scene) {
        let schedules = scene.client.schedules();
        let nightly = || Schedule::cron("nightly", "0 2 * * *").time_zone("Europe/Berlin").runs(report("eu".into()));
        let first = schedules.put(nightly()).await.unwrap();
        assert_eq!(schedules.put(nightly()).await.unwrap(), first);
        assert_eq!(get(&scene, "nightly").await, first);
        assert_eq!(schedules.upcoming("nightly", 2).await.unwrap()[0], first.progress.next_at.unwrap().to_system());

        schedules.pause("nightly", "ann").await.unwrap();
        let other = schedules.put(nightly().jitter(SECOND)).await.unwrap();
        assert_eq!(other.progress.next_at, first.progress.next_at);
        assert_eq!(other.progress.paused.unwrap().by, "ann", "it stays paused");
        let hourly = schedules.put(hourly("nightly").runs(report("us".into()))).await.unwrap();
        assert_ne!(hourly.progress.next_at, first.progress.next_at);
        assert_eq!(schedules.list().await.unwrap(), [hourly]);
        assert!(schedules.delete("nightly").await.unwrap());
        assert!(!schedules.delete("nightly").await.unwrap());
        assert!(schedules.list().await.unwrap().is_empty());
    }

    async fn many_puts_of_one_schedule_at_once_are_one(scene: Scene) {
        let puts = (0..8).map(|_| {
            let schedules = scene.client.schedules();
            async move { schedules.put(hourly("same").runs(report("eu".into()))).await.unwrap() }
        });
        let put = futures_util::future::join_all(puts).await;
        assert!(put.iter().all(|record| *record == put[0]));
    }

    async fn run_now_starts_beside_the_firings_and_counts_for_their_overlap(scene: Scene) {
        let schedules = scene.client.schedules();
        schedules.put(hourly("asked").runs(guarded())).await.unwrap();
        schedules.pause("asked", "ann").await.unwrap();
        let run = schedules.run_now("asked", "bob").await.unwrap();
        let handle = scene.client.handle::<guarded>(&run).await.unwrap();
        let record = schedules.resume("asked", "ann").await.unwrap();
        assert_eq!(record.progress.ran_now.as_ref().unwrap().by, "bob");
        assert_eq!(record.progress.resumed.as_ref().unwrap().by, "ann");
        assert_eq!((record.progress.fired, record.progress.paused), (0, None));

        firings_ago(&scene, "asked", 1).await;
        let worker = scene.worker().workflow(guarded).start().await.unwrap();
        let record = until_counts(&scene, "asked", 0, 1).await;
        assert_eq!(record.progress.last_skip.unwrap().because, SkipReason::Overlap { run: run.clone() });
        scene.client.gate(run.as_str(), "end").approve("ann").await.unwrap();
        soon(handle.result()).await.unwrap();
        worker.shutdown().await.unwrap();
    }

    async fn paused_schedule_starts_nothing_and_is_not_looked_at(scene: Scene) {
        let schedules = scene.client.schedules();
        schedules.put(hourly("still").runs(report("eu".into()))).await.unwrap();
        let paused = schedules.pause("still", "ann").await.unwrap();
        assert_eq!(paused.due_at, None);
        assert_eq!(scene.store.tick().await.unwrap().schedule_due, None);
        assert!(schedules.upcoming("still", 3).await.unwrap().is_empty());
        let resumed = schedules.resume("still", "bob").await.unwrap();
        assert!(resumed.due_at.is_some());
        assert_eq!(schedules.upcoming("still", 3).await.unwrap().len(), 3);
    }

    async fn backfill_starts_each_firing_once(scene: Scene) {
        let schedules = scene.client.schedules();
        schedules.put(Schedule::every("past", HOUR).runs(report("eu".into()))).await.unwrap();
        let day = UNIX_EPOCH + Duration::from_hours(20_000 * 24);
        let done = schedules.backfill("past", day, day + 3 * HOUR).await.unwrap();
        let ids = ["past@2024-10-04T00:00:00Z", "past@2024-10-04T01:00:00Z", "past@2024-10-04T02:00:00Z"];
        assert_eq!(done.started.iter().map(sagewai::RunId::as_str).collect::<Vec<_>>(), ids);
        let again = schedules.backfill("past", day + HOUR, day + 4 * HOUR).await.unwrap();
        assert_eq!((again.started.len(), again.there.len()), (1, 2));
        assert_eq!(all_runs(&scene).await.len(), 4);

        let far = schedules.backfill("past", day, day + 2_000 * HOUR).await.unwrap_err().to_string();
        assert!(far.contains("holds 2000 firings, and one backfill starts 1000 at most"), "{far}");
        let backwards = schedules.backfill("past", day, day).await.unwrap_err();
        assert!(matches!(backwards, Error::Invalid(_)));
        let now = scene.store.now().await.unwrap().to_system();
        let reaching_ahead = schedules.backfill("past", now - HOUR, now + 9 * HOUR).await.unwrap();
        assert_eq!(reaching_ahead.started.len(), 1, "what is to come is left to come");
    }

    async fn unknown_schedule_is_an_error_that_names_it(scene: Scene) {
        let schedules = scene.client.schedules();
        let now = SystemTime::now();
        for refused in [
            schedules.pause("nobody", "ann").await.map(drop),
            schedules.resume("nobody", "ann").await.map(drop),
            schedules.run_now("nobody", "ann").await.map(drop),
            schedules.upcoming("nobody", 1).await.map(drop),
            schedules.backfill("nobody", now - HOUR, now).await.map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(&error, Error::NoSchedule { name } if name == "nobody"), "{error:?}");
            assert_eq!(error.to_string(), "there is no schedule `nobody` in this store");
        }
        assert_eq!(schedules.get("nobody").await.unwrap(), None);
        let nameless = schedules.pause("nobody", "").await.unwrap_err();
        assert!(matches!(nameless, Error::Invalid(_)));
    }

    async fn worker_puts_its_schedules_when_it_starts(scene: Scene) {
        let nightly = Schedule::cron("nightly", "@daily").runs(report("eu".into()));
        let unserved = scene.worker().workflow(guarded).schedule(nightly.clone()).start().await.unwrap_err();
        assert_eq!(
            unserved.to_string(),
            "this worker cannot start: schedule `nightly` runs workflow `report`, which it does not serve; add it with \
             `.workflow(report)`"
        );
        let bad = scene.worker().workflow(report).schedule(hourly("bad")).start().await.unwrap_err();
        assert!(bad.to_string().contains("it starts nothing"), "{bad}");
        assert!(scene.client.schedules().list().await.unwrap().is_empty());
        let worker = scene.worker().workflow(report).schedule(nightly).start().await.unwrap();
        assert_eq!(get(&scene, "nightly").await.definition.runs.workflow, "report");
        worker.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_said_before_anything_is_stored() {
    let scene = Scene::memory().await;
    let runs = || report("eu".into());
    let cron = |expression: &str| Schedule::cron("s", expression).runs(runs());
    let day = |n: u64| UNIX_EPOCH + Duration::from_secs(n * 86_400);
    for (schedule, told) in [
        (
            Schedule::cron("", "@daily").runs(runs()),
            "schedule name `` cannot be used: it is empty",
        ),
        (cron("0 25 * * *"), "the hour is `25`"),
        (cron("0 0 31 2 *"), "it would never fire"),
        (
            cron("@daily").time_zone("Europe/Berlinn"),
            "did you mean `Europe/Berlin`?",
        ),
        (
            hourly("s").time_zone("Europe/Berlin").runs(runs()),
            "an interval is the same in every zone",
        ),
        (
            Schedule::every("s", Duration::ZERO).runs(runs()),
            "interval `0ns` cannot be used: it must be a second or longer",
        ),
        (
            Schedule::every("s", Duration::from_millis(500)).runs(runs()),
            "it must be a second or longer",
        ),
        (
            Schedule::every("s", Duration::from_millis(1_500)).runs(runs()),
            "it must be of whole seconds",
        ),
        (
            cron("@daily").catch_up(CatchUp::All { max: 0 }),
            "it must be 1 to 1000",
        ),
        (
            cron("@daily").starting(day(2)).until(day(1)),
            "it ends at 1970-01-02",
        ),
        (
            Schedule::cron("s", "@daily").runs(runs().run_id("mine")),
            "leave `.run_id(..)` out",
        ),
        (Schedule::cron("s", "@daily").runs(runs().pool("")), "pool"),
        (
            Schedule::cron("s", "@daily"),
            "say what with `.runs(my_workflow(..))`",
        ),
    ] {
        let shown = format!("{schedule:?}");
        let refused = scene
            .client
            .schedules()
            .put(schedule)
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains(told), "{shown}: {refused}");
    }
    assert!(scene.client.schedules().list().await.unwrap().is_empty());
}

#[test]
fn times_of_a_schedule_are_told_without_a_store() {
    let day = UNIX_EPOCH + Duration::from_hours(20_000 * 24); // 2024-10-04, a Friday
    let weekly = Schedule::cron("s", "0 9 * * MON").time_zone("America/New_York");
    let told = weekly.upcoming(2, day).unwrap();
    assert_eq!(told, [day + 85 * HOUR, day + (85 + 7 * 24) * HOUR]);
    let from = Schedule::every("s", 6 * HOUR)
        .starting(day + HOUR)
        .until(day + 20 * HOUR);
    assert_eq!(
        from.upcoming(9, day).unwrap(),
        [1, 7, 13, 19].map(|n| day + n * HOUR)
    );
    assert!(Schedule::cron("s", "x").upcoming(1, day).is_err());
}
