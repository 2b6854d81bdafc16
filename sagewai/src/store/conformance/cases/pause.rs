//! Runs that stop until a person makes them go on.

use crate::model::{
    Act, Answer, Claimed, Commit, EventKind, NewRun, RunId, RunState, Then, Verdict,
};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, Scene, completion, nap, new_run, nothing, park, progress, signal, yes,
};

fn pause() -> Act {
    Act::Pause {
        by: "ann".to_owned(),
    }
}

fn resume() -> Act {
    Act::Resume {
        by: "bob".to_owned(),
    }
}

/// Pauses, having seen so many messages.
fn pauses(claimed: &Claimed, wakes: i32) -> Commit {
    Commit {
        then: Then::Pause { wakes },
        ..progress(claimed, "step", 1)
    }
}

async fn settle(scene: &Scene, run: &RunId) {
    for claimed in scene.worker().await.claim(10).await {
        scene.must_commit(completion(&claimed)).await;
    }
    assert_eq!(scene.state(run).await, RunState::Completed);
}

pub async fn pause_takes_hold_with_the_next_commit(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    let run = &claimed.run.id;
    scene.done(run, &pause()).await;
    let asked = scene.run(run).await;
    assert_eq!((asked.state, asked.pausing), (RunState::Running, true));
    assert_eq!(asked.wakes, 1);
    assert!(matches!(scene.act(run, &pause()).await, Answer::Already(_)));

    // Whoever has not seen it neither pauses nor sleeps.
    let unseen = scene.store.commit(pauses(&claimed, 0)).await.unwrap();
    assert_eq!(unseen, Verdict::Awake);
    assert_eq!(scene.positions(run).await, ["step"], "the rest is stored");
    let sleeps = Commit {
        then: park(&claimed, "review"),
        ..nothing(&claimed)
    };
    assert_eq!(scene.store.commit(sleeps).await.unwrap(), Verdict::Awake);
    assert!(scene.run(run).await.pausing);

    let seen = Commit {
        then: Then::Pause { wakes: 1 },
        ..progress(&claimed, "second", 2)
    };
    scene.must_commit(seen.clone()).await;
    let paused = scene.run(run).await;
    assert_eq!((paused.state, paused.pausing), (RunState::Paused, false));
    scene.must_commit(seen).await;
    assert!(matches!(scene.act(run, &pause()).await, Answer::Already(_)));
    assert!(worker.claim(10).await.is_empty());
    worker.die().await;
    assert!(scene.worker().await.claim(10).await.is_empty());
    let asked = EventKind::PauseAsked {
        by: "ann".to_owned(),
    };
    assert_eq!(scene.journal(run).await.events[0].kind, asked);
}

pub async fn pause_of_a_run_that_nobody_drives_holds_at_once(store: AnyStore) {
    let scene = Scene::open(store).await;
    let waiting = scene.waiting_at("waiting", "review").await.run.id;
    let (_, sleeping) = scene.driven("sleeping").await;
    scene.must_commit(nap(&sleeping, LONG)).await;
    let pending = scene.start("pending").await;
    let delayed = NewRun {
        delay: LONG,
        ..new_run("delayed")
    };
    let delayed = scene.start_run(delayed).await;
    let runs = [&waiting, &sleeping.run.id, &pending, &delayed];
    for run in runs {
        scene.done(run, &pause()).await;
        let paused = scene.run(run).await;
        assert_eq!((paused.state, paused.pausing), (RunState::Paused, false));
        assert_eq!((&paused.waiting, paused.due_at), (&None, None), "{run}");
        let events = scene.events(run).await;
        assert!(events.ends_with(&["pause_asked", "paused"]), "{events:?}");
    }
    let worker = scene.worker().await;
    assert!(worker.claim(10).await.is_empty());
    let tick = scene.store.tick().await.unwrap();
    assert_eq!((tick.woken, tick.next_due), (0, None));

    // Messages are kept for it, and it stays as it is.
    scene.vote(&waiting, "review", yes("ann")).await;
    let sent = Act::Signal(signal("1", "payment", "1"));
    scene.done(&pending, &sent).await;
    assert!(worker.claim(10).await.is_empty());
    for run in runs {
        scene.done(run, &resume()).await;
        assert_eq!(scene.state(run).await, RunState::Pending);
        let again = scene.act(run, &resume()).await;
        assert!(matches!(again, Answer::WrongState(_)), "{again:?}");
    }
    assert_eq!(worker.claim(10).await.len(), 4);
    assert_eq!(scene.messages(&pending).await.signals.len(), 1);
    assert!(scene.messages(&waiting).await.gates[0].decision.is_some());
}

pub async fn resume_before_the_pause_takes_hold_undoes_it(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let run = &claimed.run.id;
    scene.done(run, &pause()).await;
    scene.done(run, &resume()).await;
    let resumed = scene.run(run).await;
    assert_eq!((resumed.state, resumed.pausing), (RunState::Running, false));
    // The worker has seen the one and not the other.
    let late = scene.store.commit(pauses(&claimed, 1)).await.unwrap();
    assert_eq!(late, Verdict::Awake);
    assert_eq!(scene.state(run).await, RunState::Running);
    scene.must_commit(completion(&claimed)).await;
}

pub async fn run_that_ends_does_not_pause_any_more(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let run = &claimed.run.id;
    scene.done(run, &pause()).await;
    scene.must_commit(completion(&claimed)).await;
    let ended = scene.run(run).await;
    assert_eq!((ended.state, ended.pausing), (RunState::Completed, false));
    for act in [pause(), resume()] {
        let refused = scene.act(run, &act).await;
        assert!(matches!(refused, Answer::WrongState(_)), "{refused:?}");
    }
}

pub async fn pause_outlives_the_worker_that_was_to_heed_it(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("dies").await;
    scene.done(&claimed.run.id, &pause()).await;
    worker.die().await;
    let taken_over = scene.worker().await.claim_only().await;
    assert!(taken_over.run.pausing, "the next one hears of it");
    let back = Commit {
        then: Then::HandBack,
        ..nothing(&taken_over)
    };
    scene.must_commit(back).await;
    let again = scene.worker().await.claim_only().await;
    assert!(again.run.pausing);
    scene.must_commit(pauses(&again, again.run.wakes)).await;
    assert_eq!(scene.state(&claimed.run.id).await, RunState::Paused);
}

pub async fn pause_and_park_at_once_leave_a_run_that_pauses(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..30 {
        let (_, claimed) = scene.driven(&round.to_string()).await;
        let (pauser, run) = (scene.clone(), claimed.run.id.clone());
        let pausing = async move { pauser.done(&run, &pause()).await };
        let store = scene.store.clone();
        let parks = nap(&claimed, LONG);
        let parking = async move { store.commit(parks).await.unwrap() };
        let (paused, parked) = tokio::join!(tokio::spawn(pausing), tokio::spawn(parking));
        paused.unwrap();
        let run = scene.run(&claimed.run.id).await;
        match parked.unwrap() {
            Verdict::Committed => assert_eq!(run.state, RunState::Paused, "round {round}"),
            Verdict::Awake => {
                assert_eq!((run.state, run.pausing), (RunState::Running, true));
                scene.must_commit(pauses(&claimed, run.wakes)).await;
            }
            Verdict::Fenced => panic!("nobody took the run"),
        }
        assert_eq!(scene.store.tick().await.unwrap().next_due, None);
        scene.done(&run.id, &resume()).await;
        settle(&scene, &run.id).await;
    }
}

pub async fn resume_and_the_pause_at_once_leave_a_run_that_goes_on(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..30 {
        let (_, claimed) = scene.driven(&round.to_string()).await;
        let run = &claimed.run.id;
        scene.done(run, &pause()).await;
        let (resumer, to_resume) = (scene.clone(), run.clone());
        let resuming = async move { resumer.done(&to_resume, &resume()).await };
        let store = scene.store.clone();
        let holds = pauses(&claimed, 1);
        let pausing = async move { store.commit(holds).await.unwrap() };
        let (resumed, paused) = tokio::join!(tokio::spawn(resuming), tokio::spawn(pausing));
        resumed.unwrap();
        let state = scene.state(run).await;
        match paused.unwrap() {
            Verdict::Committed => assert_eq!(state, RunState::Pending, "round {round}"),
            Verdict::Awake => {
                assert_eq!(state, RunState::Running, "round {round}");
                scene.must_commit(completion(&claimed)).await;
            }
            Verdict::Fenced => panic!("nobody took the run"),
        }
        settle(&scene, run).await;
    }
}
