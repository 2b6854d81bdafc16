//! Retries by people.

use futures_util::future::join_all;

use crate::model::{Answer, Commit, EventKind, Park, RunState, Then, Waiting};
use crate::store::AnyStore;
use crate::store::conformance::scene::{Scene, completion, error, park, progress, retry, value};

pub async fn retried_run_goes_on_from_its_failure(store: AnyStore) {
    let scene = Scene::open(store).await;
    let checkpoints = vec![
        value("research", 1),
        error("swallowed", 2, "no ink"),
        value("draft", 3),
        error("publish", 4, "out of paper"),
    ];
    let run = scene.failed("a", checkpoints).await;
    let failed = scene.run(&run).await;
    let found = scene.done(&run, &retry("ann ☃")).await;
    assert_eq!(found, failed, "it answers with what it found");

    let retried = scene.run(&run).await;
    assert_eq!(retried.state, RunState::Pending);
    assert_eq!((&retried.error, retried.finished_at), (&None, None));
    assert_eq!(retried.epoch, failed.epoch);
    assert_eq!(retried.started_at, failed.started_at);
    let left = ["research", "swallowed", "draft"];
    assert_eq!(scene.positions(&run).await, left);
    let event = scene.journal(&run).await.events.remove(0);
    assert!(matches!(event.kind, EventKind::Retried { by } if by == "ann ☃"));

    let claimed = scene.worker().await.claim_only().await;
    assert_eq!((claimed.run.epoch, claimed.run.claims), (2, 0));
    scene.must_commit(progress(&claimed, "publish", 4)).await;
    scene.must_commit(completion(&claimed)).await;
    assert_eq!(scene.state(&run).await, RunState::Completed);
}

pub async fn retry_forgets_an_earlier_failure_that_ended_the_run(store: AnyStore) {
    let scene = Scene::open(store).await;
    // The workflow kept the error, tidied up, and returned it.
    let checkpoints = vec![
        value("research", 1),
        error("swallowed", 2, "no ink"),
        value("tidy", 3),
        error("draft", 4, "out of paper"),
        value("join.0/block/tidy", 5),
    ];
    let run = scene.failed("a", checkpoints).await;
    scene.done(&run, &retry("ann")).await;
    let left = ["research", "swallowed", "tidy"];
    assert_eq!(
        scene.positions(&run).await,
        left,
        "what rests on it is forgotten as well"
    );
}

pub async fn retry_keeps_what_other_branches_have_done(store: AnyStore) {
    let scene = Scene::open(store).await;
    let checkpoints = vec![
        value("join.0/draft", 1),
        error("join.1/block/draft", 2, "no ink"),
        value("join.0/publish", 3),
    ];
    let run = scene.failed("a", checkpoints).await;
    scene.done(&run, &retry("ann")).await;
    let left = ["join.0/draft", "join.0/publish"];
    assert_eq!(scene.positions(&run).await, left);
}

pub async fn retry_of_a_run_whose_code_did_not_fit_keeps_everything(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let mut commit = progress(&claimed, "step", 1);
    commit.checkpoints.push(error("caught", 2, "no ink"));
    commit.then = Then::Park(Park {
        waiting: Waiting::Diverged {
            reason: "expected `step`".to_owned(),
        },
        wake_after: None,
        wakes: 0,
    });
    scene.must_commit(commit).await;
    let found = scene.done(&claimed.run.id, &retry("ann")).await;
    assert_eq!(found.state, RunState::Waiting);
    let run = scene.run(&claimed.run.id).await;
    assert_eq!((run.state, run.waiting), (RunState::Pending, None));
    assert_eq!(scene.positions(&claimed.run.id).await, ["step", "caught"]);
    assert_eq!(scene.events(&claimed.run.id).await, ["retried"]);
    scene.worker().await.claim_only().await;
}

pub async fn retry_of_any_other_run_changes_nothing(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, completed) = scene.driven("completed").await;
    scene.must_commit(completion(&completed)).await;
    let waiting = scene.waiting_at("waiting", "review").await;
    let (_, running) = scene.driven("running").await;
    let pending = scene.start("pending").await;
    for run in [
        &completed.run.id,
        &waiting.run.id,
        &running.run.id,
        &pending,
    ] {
        let before = (scene.run(run).await, scene.journal(run).await);
        let refused = Answer::WrongState(Box::new(before.0.clone()));
        assert_eq!(scene.act(run, &retry("ann")).await, refused);
        assert_eq!((scene.run(run).await, scene.journal(run).await), before);
    }
    assert_eq!(scene.worker().await.claim_ids(10).await, ["pending"]);
    // The claim of the one that runs is as good as before.
    let parked = Commit {
        then: park(&running, "g"),
        ..progress(&running, "step", 1)
    };
    scene.must_commit(parked).await;
}

pub async fn two_retries_at_once_are_one(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.failed("a", vec![error("step", 1, "no ink")]).await;
    let at_once = (0..6).map(|_| {
        let (scene, run) = (scene.clone(), run.clone());
        tokio::spawn(async move { scene.act(&run, &retry("ann")).await })
    });
    let answers = join_all(at_once).await.into_iter().map(Result::unwrap);
    let done = answers.filter(|answer| matches!(answer, Answer::Done(_)));
    assert_eq!(done.count(), 1, "the others find it pending");
    assert_eq!(scene.events(&run).await, ["retried"]);
    assert_eq!(scene.worker().await.claim(10).await.len(), 1);
}
