//! What people ask.

use crate::model::{EventKind, Json, NewEvent, NewRun, Outcome, RunFilter, RunState, WorkerKey};
use crate::store::AnyStore;
use crate::store::conformance::scene::{Scene, completion, id, new_run, park, progress, yes};

pub async fn runs_are_listed_newest_first_and_by_page(store: AnyStore) {
    let scene = Scene::open(store).await;
    for run in ["a", "b", "c", "d", "e"] {
        scene.start(run).await;
    }
    let all = listed(&scene, RunFilter::new()).await;
    assert_eq!(all, ["e", "d", "c", "b", "a"]);
    let page = listed(&scene, RunFilter::new().limit(2)).await;
    assert_eq!(page, ["e", "d"]);
    let next = RunFilter::new().limit(2).before(id("d"));
    assert_eq!(listed(&scene, next).await, ["c", "b"]);
    let last = RunFilter::new().limit(2).before(id("b"));
    assert_eq!(listed(&scene, last).await, ["a"]);
    let none = RunFilter::new().before(id("ghost"));
    assert!(listed(&scene, none).await.is_empty());
}

pub async fn runs_are_filtered_by_state_and_workflow(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, completed) = scene.driven("completed").await;
    scene.must_commit(completion(&completed)).await;
    let letter = NewRun {
        workflow: "letter".to_owned(),
        ..new_run("letter")
    };
    scene.start_run(letter).await;
    scene.start("pending").await;
    let pending = RunFilter::new().state(RunState::Pending);
    assert_eq!(listed(&scene, pending.clone()).await, ["pending", "letter"]);
    let letters = RunFilter::new().workflow("letter");
    assert_eq!(listed(&scene, letters).await, ["letter"]);
    let both = pending.clone().workflow("letter").before(id("pending"));
    assert_eq!(listed(&scene, both).await, ["letter"]);
    let older = pending.before(id("letter"));
    assert!(listed(&scene, older).await.is_empty());
    let unknown = RunFilter::new().workflow("note");
    assert!(listed(&scene, unknown).await.is_empty());
}

pub async fn history_tells_of_failures_and_leaves_values_where_they_are(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("told").await;
    let mut commit = progress(&claimed, "worked", 1);
    let mut failed = progress(&claimed, "failed", 2).checkpoints;
    let failure = Outcome::Err(Json::encode(&"no ink").unwrap());
    failed[0].outcome = failure.clone();
    commit.checkpoints.extend(failed);
    let event = NewEvent::new(EventKind::Paused);
    commit.events.push(event.clone());
    scene.must_commit(commit).await;

    let history = scene.store.history(&id("told")).await.unwrap().unwrap();
    assert_eq!(history.run.id, id("told"));
    let told = history
        .done
        .iter()
        .map(|d| (d.position.as_str(), d.failure.clone()));
    let expected = [
        ("$input", None),
        ("worked", None),
        ("failed", Some(failure)),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert!(
        history
            .events
            .iter()
            .any(|e| e.id == event.id && e.kind == event.kind)
    );
    assert!(scene.store.history(&id("ghost")).await.unwrap().is_none());
}

pub async fn runs_are_counted_by_state(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, completed) = scene.driven("completed").await;
    scene.must_commit(completion(&completed)).await;
    scene.start("a").await;
    scene.start("b").await;
    let counts = scene.store.counts().await.unwrap();
    let of = |state| {
        counts
            .iter()
            .find(|(s, _)| *s == state)
            .map_or(0, |(_, n)| *n)
    };
    assert_eq!(RunState::ALL.map(of), [2, 0, 0, 0, 1, 0, 0]);
}

pub async fn wake_counters_are_those_of_own_runs(store: AnyStore) {
    let scene = Scene::open(store).await;
    for run in ["a", "b", "parked", "other"] {
        scene.start(run).await;
    }
    let worker = scene.worker().await;
    let own = worker.claim(3).await;
    let other = scene.worker().await.claim_only().await;
    let mut parked = progress(&own[2], "step", 1);
    parked.then = park(&own[2], "review");
    scene.must_commit(parked).await;
    scene.vote(&own[1].run.id, "review", yes("ann")).await;
    scene.vote(&own[1].run.id, "legal", yes("ann")).await;

    let mut asked: Vec<_> = own.iter().map(|c| c.run.key()).collect();
    asked.extend([other.run.key(), id("ghost").key()]);
    let mut told = scene.store.wakes(worker.key, &asked).await.unwrap();
    let mut expected = vec![(asked[0], 0), (asked[1], 2)];
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert!(scene.store.wakes(worker.key, &[]).await.unwrap().is_empty());
    let stranger = WorkerKey::generate();
    assert!(
        scene
            .store
            .wakes(stranger, &asked)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn listed(scene: &Scene, filter: RunFilter) -> Vec<String> {
    let runs = scene.store.runs(&filter).await.unwrap();
    runs.iter().map(|run| run.id.to_string()).collect()
}
