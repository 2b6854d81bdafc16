//! Runs that are ended from outside.

use std::time::Duration;

use futures_util::future::join_all;

use crate::error::Fault;
use crate::model::{
    Act, Answer, Claimed, Commit, Ending, EventKind, NewEvent, NewRun, Outcome, Park, Position,
    RunId, RunState, Then, Verdict,
};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, Scene, cancel, completion, error, nap, new_run, nothing, park, progress, value,
    within_patience,
};

fn cancelled(by: &str) -> Outcome {
    Outcome::Fault(Fault::Cancelled {
        by: by.to_owned(),
        reason: "no longer needed".to_owned(),
    })
}

/// One run in each state in which it can be ended.
async fn unfinished(scene: &Scene) -> Vec<RunId> {
    let pause = Act::Pause {
        by: "bob".to_owned(),
    };
    let waiting = scene.waiting_at("waiting", "review").await.run.id;
    let (_, sleeping) = scene.driven("sleeping").await;
    scene.must_commit(nap(&sleeping, LONG)).await;
    let (_, running) = scene.driven("running").await;
    let pending = scene.start("pending").await;
    let paused = scene.start("paused").await;
    scene.done(&paused, &pause).await;
    let delayed = NewRun {
        delay: LONG,
        ..new_run("delayed")
    };
    let delayed = scene.start_run(delayed).await;
    let (sleeping, running) = (sleeping.run.id, running.run.id);
    vec![waiting, sleeping, running, pending, paused, delayed]
}

pub async fn cancel_ends_a_run_whatever_it_does(store: AnyStore) {
    let scene = Scene::open(store).await;
    let runs = unfinished(&scene).await;
    for run in &runs {
        let before = scene.run(run).await;
        assert_eq!(scene.done(run, &cancel("ann ☃")).await, before);
        let after = scene.run(run).await;
        assert_eq!(after.state, RunState::Cancelled, "{run}");
        assert_eq!((&after.waiting, after.due_at), (&None, None), "{run}");
        assert_eq!(after.wakes, before.wakes + 1);
        assert!(after.error.unwrap().contains("no longer needed"));
        assert!(after.finished_at >= Some(after.created_at));
        let output = scene.store.output(run).await.unwrap();
        assert_eq!(output, Some(cancelled("ann ☃")));
        let journal = scene.journal(run).await;
        let told = EventKind::Cancelled {
            by: "ann ☃".to_owned(),
            reason: "no longer needed".to_owned(),
        };
        assert_eq!(journal.events.last().unwrap().kind, told);
        let last = journal.checkpoints.last().unwrap();
        assert_eq!(last.written.position.as_str(), Position::OUTPUT);
    }
    assert!(scene.worker().await.claim(10).await.is_empty());
    let tick = scene.store.tick().await.unwrap();
    assert_eq!((tick.woken, tick.next_due), (0, None));
    assert!(scene.store.open_gates(10).await.unwrap().is_empty());
}

pub async fn cancel_of_a_run_that_is_over_changes_nothing(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("completed").await;
    scene.must_commit(completion(&claimed)).await;
    let failed = scene.failed("failed", vec![error("step", 1, "no ink")]);
    let failed = failed.await;
    let cancelled = scene.start("cancelled").await;
    scene.done(&cancelled, &cancel("ann")).await;
    for run in [&claimed.run.id, &failed, &cancelled] {
        let before = (scene.run(run).await, scene.journal(run).await);
        let found = Box::new(before.0.clone());
        let expected = match found.state {
            RunState::Cancelled => Answer::Already(found),
            _ => Answer::WrongState(found),
        };
        assert_eq!(scene.act(run, &cancel("bob")).await, expected);
        assert_eq!((scene.run(run).await, scene.journal(run).await), before);
    }
}

/// Every way in which a worker may write of a run.
fn commits(claimed: &Claimed) -> Vec<Commit> {
    let with = |then| Commit {
        then,
        ..progress(claimed, "step", 1)
    };
    let seen = claimed.run.wakes;
    let failure = Ending::Failed {
        error: "no ink".to_owned(),
    };
    let then = [
        Then::Continue,
        Then::HandBack,
        park(claimed, "review"),
        Then::Pause { wakes: seen },
        Then::Pause { wakes: seen + 1 },
        Then::Finish(Ending::Completed),
        Then::Finish(failure),
    ];
    let with_rows = then.clone().map(with);
    let without = then.map(|then| Commit {
        then,
        ..nothing(claimed)
    });
    let mut commits: Vec<Commit> = with_rows.into_iter().chain(without).collect();
    commits.push(completion(claimed));
    commits.push(Commit {
        events: vec![NewEvent::new(EventKind::Paused)],
        ..completion(claimed)
    });
    commits
}

pub async fn commits_after_a_cancel_are_fenced_and_leave_nothing(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    scene.done(&claimed.run.id, &cancel("ann")).await;
    let run = &claimed.run.id;
    let before = (scene.run(run).await, scene.journal(run).await);
    for commit in commits(&claimed) {
        let verdict = scene.store.commit(commit.clone()).await.unwrap();
        assert_eq!(verdict, Verdict::Fenced, "{commit:?}");
    }
    assert_eq!((scene.run(run).await, scene.journal(run).await), before);
    let wakes = scene.store.wakes(worker.key, &[run.key()]).await.unwrap();
    assert!(
        wakes.is_empty(),
        "it is not among the worker's own any more"
    );
    assert!(
        scene
            .store
            .strays(worker.key, &[])
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn cancel_and_completion_at_once_leave_one_end(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..60_u64 {
        let (_, claimed) = scene.driven(&round.to_string()).await;
        let mut ends = completion(&claimed);
        ends.checkpoints.push(value("step", 1));
        if round % 2 == 0 {
            ends.events.push(NewEvent::new(EventKind::Paused));
        }
        let (canceller, run) = (scene.clone(), claimed.run.id.clone());
        let cancelling = async move { canceller.act(&run, &cancel("ann")).await };
        let store = scene.store.clone();
        let completing = async move { store.commit(ends).await.unwrap() };
        // Beside others in every third round, as it is on a busy day.
        let others = if round % 3 == 0 { 0..4 } else { 0..0 };
        let others = others.map(|n| scene.start_run(new_run(&format!("{round}-{n}"))));
        let (answer, verdict, _) = tokio::join!(
            tokio::spawn(cancelling),
            tokio::spawn(completing),
            join_all(others)
        );
        let (answer, verdict) = (answer.unwrap(), verdict.unwrap());
        let run = scene.run(&claimed.run.id).await;
        let output = scene.store.output(&run.id).await.unwrap();
        let positions = scene.positions(&run.id).await;
        let events = scene.events(&run.id).await;
        match verdict {
            Verdict::Committed => {
                assert!(matches!(answer, Answer::WrongState(_)), "{answer:?}");
                assert_eq!(run.state, RunState::Completed, "round {round}");
                assert!(output.unwrap().is_ok());
                assert_eq!(positions, ["step", "$output"]);
                assert_eq!(events.len(), usize::from(round % 2 == 0));
            }
            Verdict::Fenced => {
                assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
                assert_eq!(run.state, RunState::Cancelled, "round {round}");
                assert_eq!(output, Some(cancelled("ann")));
                assert_eq!(positions, ["$output"], "nothing of the commit");
                assert_eq!(events, ["cancelled"], "nothing of the commit");
            }
            Verdict::Awake => panic!("it does not park"),
        }
        for run in scene.worker().await.claim(10).await {
            scene.must_commit(completion(&run)).await;
        }
    }
}

pub async fn cancel_and_park_at_once_leave_a_run_that_is_over(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..30 {
        let (_, claimed) = scene.driven(&round.to_string()).await;
        let parks = Commit {
            then: Then::Park(Park {
                wake_after: Some(LONG),
                ..match park(&claimed, "review") {
                    Then::Park(park) => park,
                    other => panic!("{other:?}"),
                }
            }),
            ..progress(&claimed, "step", 1)
        };
        let (canceller, run) = (scene.clone(), claimed.run.id.clone());
        let cancelling = async move { canceller.done(&run, &cancel("ann")).await };
        let store = scene.store.clone();
        let parking = async move { store.commit(parks).await.unwrap() };
        let (done, parked) = tokio::join!(tokio::spawn(cancelling), tokio::spawn(parking));
        let before = done.unwrap();
        let positions = scene.positions(&claimed.run.id).await;
        match parked.unwrap() {
            Verdict::Committed => {
                assert_eq!(before.state, RunState::Waiting, "round {round}");
                assert_eq!(positions, ["step", "$output"]);
            }
            Verdict::Fenced => assert_eq!(positions, ["$output"], "round {round}"),
            Verdict::Awake => panic!("whoever is told has ended"),
        }
        assert_eq!(scene.state(&claimed.run.id).await, RunState::Cancelled);
        assert_eq!(scene.store.tick().await.unwrap().next_due, None);
    }
}

pub async fn cancel_and_claim_at_once_leave_nothing_to_claim(store: AnyStore) {
    let scene = Scene::open(store).await;
    let worker = scene.worker().await;
    for round in 0..30 {
        let run = scene.start(&round.to_string()).await;
        let (canceller, to_end) = (scene.clone(), run.clone());
        let cancelling = async move { canceller.done(&to_end, &cancel("ann")).await };
        let claimer = worker.clone();
        let claiming = async move { claimer.claim(10).await };
        let (done, claimed) = tokio::join!(tokio::spawn(cancelling), tokio::spawn(claiming));
        let (before, claimed) = (done.unwrap(), claimed.unwrap());
        let was_running = before.state == RunState::Running;
        assert_eq!(was_running, !claimed.is_empty(), "round {round}");
        for claimed in claimed {
            let verdict = scene.store.commit(progress(&claimed, "step", 1)).await;
            assert_eq!(verdict.unwrap(), Verdict::Fenced);
        }
        assert_eq!(scene.state(&run).await, RunState::Cancelled);
        assert!(worker.claim(10).await.is_empty());
    }
}

pub async fn hint_follows_a_cancel(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let mut end = scene.store.hints().watch_run(claimed.run.key());
    let mut work = scene.store.hints().watch_work();
    scene.done(&claimed.run.id, &cancel("ann")).await;
    within_patience("a hint after a cancel", end.changed()).await;
    within_patience("a hint to the worker", work.changed()).await;
}

pub async fn run_that_was_cancelled_is_not_retried(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    scene.done(&run, &cancel("ann")).await;
    let retry = Act::Retry {
        by: "bob".to_owned(),
    };
    let answer = scene.act(&run, &retry).await;
    assert!(matches!(answer, Answer::WrongState(_)), "{answer:?}");
    let start = scene.store.start(NewRun {
        delay: Duration::ZERO,
        ..new_run("a")
    });
    assert_eq!(start.await.unwrap(), crate::model::Started::Attached);
    assert_eq!(scene.state(&run).await, RunState::Cancelled);
}
