//! Schedules: kept whole, written over the revision that was read, found when they are due.

use std::time::Duration;

use futures_util::future::join_all;

use crate::model::{
    CatchUp, Fired, Header, Json, Mark, Overlap, RunTemplate, ScheduleDefinition, ScheduleProgress,
    ScheduleRecord, Skip, SkipReason, Timestamp, Timing,
};
use crate::store::conformance::scene::{Scene, id, json, labels, within_patience};
use crate::store::{AnyStore, PAYLOAD_BYTES_MAX, StoreError};

/// A schedule with something in every field.
fn record(name: &str, revision: i64, due_at: Option<Timestamp>) -> ScheduleRecord {
    let at = Timestamp::from_micros(1_795_560_000_123_456);
    let definition = ScheduleDefinition {
        timing: Timing::Cron {
            expression: "0 2 * * *".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
        },
        starting: Some(at),
        until: Some(at.after(Duration::from_hours(1_000))),
        jitter_us: 7,
        overlap: Overlap::Queue,
        catch_up: CatchUp::All { max: 3 },
        runs: RunTemplate {
            workflow: "article ☃".to_owned(),
            version: 1,
            pool: "default".to_owned(),
            labels: labels(serde_json::json!({"gpu": true})),
            priority: -3,
            concurrency_key: Some("tenant ☃".to_owned()),
            input: json(r#"{"b": 1,  "a": "☃"}"#),
            fingerprint: i64::MIN,
            delay_us: 9,
            header: Header::default(),
        },
    };
    let mark = |by: &str| Mark {
        by: by.to_owned(),
        at,
    };
    let progress = ScheduleProgress {
        next_at: Some(at),
        last: Some(Fired {
            firing: at,
            run: id("a"),
        }),
        fired: 12,
        skipped: 2,
        last_skip: Some(Skip {
            firing: at,
            because: SkipReason::Overlap { run: id("b") },
        }),
        paused: Some(mark("ann ☃")),
        resumed: Some(mark("bob")),
        ran_now: Some(mark("eve")),
        starting: vec![at],
        cancelling: vec![id("d")],
        waiting: vec![at, at],
        open: vec![id("c")],
    };
    ScheduleRecord::from_store(name.to_owned(), revision, due_at, definition, progress)
}

pub async fn schedule_is_read_back_as_it_was_written(store: AnyStore) {
    let store = Scene::open(store).await.store;
    assert_eq!(store.schedule("s").await.unwrap(), None);
    let mut written = record("s", 5, None);
    assert!(store.save_schedule(&written, None).await.unwrap());
    assert_eq!(store.schedule("s").await.unwrap(), Some(written.clone()));

    let now = store.now().await.unwrap();
    written = record("s", 6, Some(now));
    written.definition.timing = Timing::Every { seconds: 60 };
    written.progress = ScheduleProgress::default();
    assert!(store.save_schedule(&written, Some(5)).await.unwrap());
    assert_eq!(store.schedule("s").await.unwrap(), Some(written));
}

pub async fn schedule_is_written_over_the_revision_that_was_read_only(store: AnyStore) {
    let store = Scene::open(store).await.store;
    let first = record("s", 5, None);
    assert!(
        !store.save_schedule(&first, Some(4)).await.unwrap(),
        "it is not there"
    );
    assert!(store.save_schedule(&first, None).await.unwrap());
    let other = record("s", 9, None);
    for over in [None, Some(4), Some(6)] {
        assert!(!store.save_schedule(&other, over).await.unwrap());
    }
    assert_eq!(store.schedule("s").await.unwrap(), Some(first));
    assert!(store.save_schedule(&other, Some(5)).await.unwrap());
}

pub async fn of_many_changes_over_one_revision_one_is_written(store: AnyStore) {
    let store = Scene::open(store).await.store;
    for over in [None, Some(1), Some(2)] {
        let next = over.map_or(1, |over| over + 1);
        let at_once = (0..8).map(|n| {
            let store = store.clone();
            let mut changed = record("s", next, None);
            changed.progress.fired = n;
            tokio::spawn(async move { store.save_schedule(&changed, over).await.unwrap() })
        });
        let written = join_all(at_once)
            .await
            .into_iter()
            .filter(|done| *done.as_ref().unwrap());
        assert_eq!(written.count(), 1);
        assert_eq!(store.schedule("s").await.unwrap().unwrap().revision, next);
    }
}

pub async fn schedules_are_listed_by_name_until_they_are_deleted(store: AnyStore) {
    let store = Scene::open(store).await.store;
    for name in ["b", "B", "a b", "ä", "a"] {
        assert!(
            store
                .save_schedule(&record(name, 1, None), None)
                .await
                .unwrap()
        );
    }
    let names = async || {
        let all = store.schedules().await.unwrap();
        all.into_iter().map(|s| s.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["B", "a", "a b", "b", "ä"]);
    assert!(store.delete_schedule("a").await.unwrap());
    assert!(!store.delete_schedule("a").await.unwrap());
    assert_eq!(names().await, ["B", "a b", "b", "ä"]);
    assert!(
        !store
            .save_schedule(&record("a", 2, None), Some(1))
            .await
            .unwrap()
    );
}

pub async fn schedules_are_found_when_they_are_due(store: AnyStore) {
    let store = Scene::open(store).await.store;
    assert_eq!(store.tick().await.unwrap().schedule_due, None);
    let now = store.now().await.unwrap();
    let ago = |seconds: i64| Timestamp::from_micros(now.as_micros() - seconds * 1_000_000);
    let hour = Duration::from_hours(1);
    let save = async |record: ScheduleRecord| store.save_schedule(&record, None).await.unwrap();
    save(record("never", 1, None)).await;
    assert_eq!(store.tick().await.unwrap().schedule_due, None);
    save(record("later", 1, Some(now.after(hour)))).await;
    let due = store.tick().await.unwrap().schedule_due.unwrap();
    assert!(due <= hour && due > hour / 2, "{due:?}");
    assert!(store.due_schedules(9).await.unwrap().schedules.is_empty());

    save(record("second", 1, Some(ago(5)))).await;
    save(record("first", 1, Some(ago(9)))).await;
    save(record("third", 1, Some(ago(5)))).await;
    assert_eq!(
        store.tick().await.unwrap().schedule_due,
        Some(Duration::ZERO)
    );
    let found = store.due_schedules(9).await.unwrap();
    assert!(found.at >= now && found.at <= store.now().await.unwrap());
    let names = found.schedules.iter().map(|s| s.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["first", "second", "third"]);
    assert_eq!(found.schedules[0], record("first", 1, Some(ago(9))));
    assert_eq!(
        store.due_schedules(2).await.unwrap().schedules,
        found.schedules[..2]
    );
}

pub async fn hint_follows_a_schedule_that_is_due_at_a_time(store: AnyStore) {
    let store = Scene::open(store).await.store;
    let now = store.now().await.unwrap();
    let mut work = store.hints().watch_work();
    store
        .save_schedule(&record("s", 1, Some(now)), None)
        .await
        .unwrap();
    within_patience("a hint after a schedule", work.changed()).await;
}

pub async fn schedule_with_too_large_an_input_is_refused(store: AnyStore) {
    let store = Scene::open(store).await.store;
    let mut large = record("s", 1, None);
    large.definition.runs.input = Json::encode(&"x".repeat(PAYLOAD_BYTES_MAX)).unwrap();
    let refused = store.save_schedule(&large, None).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::TooLarge { .. }),
        "{refused:?}"
    );
    assert_eq!(store.schedule("s").await.unwrap(), None);
}
