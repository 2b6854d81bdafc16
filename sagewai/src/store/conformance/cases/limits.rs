//! Runs that are ended because they take too long.

use std::time::Duration;

use crate::error::Fault;
use crate::model::{Header, NewRun, Outcome, RunState, Verdict};
use crate::store::AnyStore;
use crate::store::conformance::scene::{LONG, Scene, completion, nap, new_run, progress, retry};

const SOON: Duration = Duration::from_millis(5);

fn with_deadline(id: &str, deadline: Duration) -> NewRun {
    NewRun {
        header: Header {
            deadline: Some(deadline),
            ..Header::default()
        },
        ..new_run(id)
    }
}

fn with_expiry(id: &str, expires_after: Duration) -> NewRun {
    NewRun {
        header: Header {
            expires_after: Some(expires_after),
            ..Header::default()
        },
        ..new_run(id)
    }
}

pub async fn run_fails_at_its_deadline_whatever_it_does(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    let running = scene.start_run(with_deadline("running", SOON)).await;
    let running_claim = worker.claim_only().await;
    let sleeping = scene.start_run(with_deadline("sleeping", SOON)).await;
    // It may be over before it sleeps.
    if let Some(claimed) = worker.claim(1).await.pop() {
        scene.store.commit(nap(&claimed, LONG)).await.unwrap();
    }
    let delayed = NewRun {
        delay: LONG,
        ..with_deadline("delayed", SOON)
    };
    let delayed = scene.start_run(delayed).await;
    for run in [&running, &sleeping, &delayed] {
        scene.tick_until(run, RunState::Failed).await;
        let failed = scene.run(run).await;
        assert_eq!((&failed.waiting, failed.due_at), (&None, None));
        assert!(failed.finished_at >= Some(failed.created_at.after(SOON)));
        assert!(failed.error.is_some());
        let output = scene.store.output(run).await.unwrap();
        let fault = Fault::DeadlinePassed { limit: SOON };
        assert_eq!(output, Some(Outcome::Fault(fault)));
        assert!(scene.events(run).await.contains(&"deadline_passed"));
    }
    let late = scene.store.commit(completion(&running_claim)).await;
    assert_eq!(late.unwrap(), Verdict::Fenced);
    scene.tick_until_quiet(LONG).await;
    assert!(worker.claim(10).await.is_empty());

    // A person may give it another chance, which has no end.
    scene.done(&running, &retry("ann")).await;
    let again = worker.claim_only().await;
    scene.must_commit(progress(&again, "step", 1)).await;
    scene.must_commit(completion(&again)).await;
}

pub async fn deadline_means_nothing_to_a_run_that_is_over(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    let run = scene
        .start_run(with_deadline("a", Duration::from_millis(300)))
        .await;
    scene
        .must_commit(completion(&worker.claim_only().await))
        .await;
    let before = (scene.run(&run).await, scene.journal(&run).await);
    scene.tick_until_quiet(LONG).await;
    assert_eq!((scene.run(&run).await, scene.journal(&run).await), before);
}

pub async fn next_deadline_is_told(store: AnyStore) {
    let scene = Scene::open(store).await;
    scene.start_run(with_deadline("a", LONG)).await;
    scene.start_run(with_expiry("b", LONG / 4)).await;
    let next = scene.store.tick().await.unwrap().next_due.unwrap();
    assert!(next > LONG / 5 && next <= LONG / 4, "{next:?}");
}

pub async fn run_that_no_worker_takes_in_time_is_cancelled(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    let run = scene.start_run(with_expiry("a", SOON)).await;
    scene.tick_until(&run, RunState::Cancelled).await;
    assert!(worker.claim(10).await.is_empty());
    let output = scene.store.output(&run).await.unwrap();
    assert!(
        matches!(&output, Some(Outcome::Fault(Fault::Cancelled { .. }))),
        "{output:?}"
    );
    scene.tick_until_quiet(LONG).await;
}

pub async fn run_that_was_taken_in_time_does_not_expire(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    let expiry = Duration::from_millis(300);
    let run = scene.start_run(with_expiry("a", expiry)).await;
    let claimed = worker.claim_only().await;
    scene.tick_until_quiet(LONG).await;
    assert_eq!(scene.state(&run).await, RunState::Running);
    // Nor when it waits in the queue once more.
    worker.die().await;
    let heir = scene.worker().await.claim_only().await;
    assert_eq!(heir.run.epoch, claimed.run.epoch + 1);
    scene.must_commit(completion(&heir)).await;
}

pub async fn deadline_and_completion_at_once_leave_one_end(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    for round in 0..20 {
        let limit = Duration::from_millis(round % 10);
        let run = scene
            .start_run(with_deadline(&round.to_string(), limit))
            .await;
        let ticker = scene.clone();
        let ticking = tokio::spawn(async move { ticker.tick_until_quiet(LONG).await });
        let verdict = match worker.claim(1).await.pop() {
            Some(claimed) => scene.store.commit(completion(&claimed)).await.unwrap(),
            None => Verdict::Fenced,
        };
        ticking.await.unwrap();
        let expected = match verdict {
            Verdict::Committed => RunState::Completed,
            _ => RunState::Failed,
        };
        assert_eq!(scene.state(&run).await, expected, "round {round}");
        assert_eq!(scene.positions(&run).await, ["$output"]);
        let output = scene.store.output(&run).await.unwrap().unwrap();
        assert_eq!(output.is_ok(), expected == RunState::Completed);
    }
}
