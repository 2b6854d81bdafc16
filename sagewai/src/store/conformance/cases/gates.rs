//! Decisions of people.

use futures_util::future::join_all;

use crate::model::{Commit, Decided, EventKind, RunState};
use crate::store::AnyStore;
use crate::store::conformance::scene::{Scene, ask, completion, json, no, nothing, value, yes};

pub async fn decision_is_kept_and_told(store: AnyStore) {
    let scene = Scene::open(store).await;
    let claimed = scene.waiting_at("a", "review").await;
    let run = &claimed.run.id;
    let decided = scene
        .store
        .decide(run, "review", &no("ann ☃"))
        .await
        .unwrap();
    assert_eq!(decided, Decided::Recorded);
    let journal = scene.journal(run).await;
    let (decision, at) = journal.gates[0].decision.clone().unwrap();
    assert_eq!(decision, no("ann ☃"));
    assert!(Some(at) >= journal.gates[0].asked_at);
    let told = EventKind::Decided {
        gate: "review".to_owned(),
        approved: false,
        by: "ann ☃".to_owned(),
        reason: no("").reason,
    };
    assert_eq!(journal.events.len(), 1);
    assert_eq!(journal.events[0].kind, told);
    let stored = scene.run(run).await;
    assert_eq!((stored.state, stored.wakes), (RunState::Pending, 1));
    let again = scene.worker().await.claim_only().await;
    assert_eq!(
        again.journal.gates, journal.gates,
        "the claim brings it along"
    );
}

pub async fn decision_that_comes_early_is_kept(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    let decided = scene.store.decide(&run, "review", &yes("ann")).await;
    assert_eq!(decided.unwrap(), Decided::Recorded);
    assert_eq!(scene.state(&run).await, RunState::Pending);
    let early = scene.journal(&run).await.gates.remove(0);
    assert_eq!((early.prompt.as_str(), early.asked_at), ("", None));

    let worker = scene.worker().await;
    let claimed = worker.claim_only().await;
    assert_eq!(claimed.run.wakes, 1);
    assert_eq!(
        claimed.journal.gates.as_slice(),
        std::slice::from_ref(&early)
    );
    let asks = Commit {
        gates: vec![ask("review")],
        ..nothing(&claimed)
    };
    scene.must_commit(asks).await;
    let gate = scene.journal(&run).await.gates.remove(0);
    assert_eq!(gate.decision, early.decision);
    assert_eq!(gate.prompt, ask("review").prompt);
    assert_eq!(gate.context, ask("review").context);
    assert!(gate.asked_at.is_some());
    assert!(worker.claim(10).await.is_empty(), "queued only once");
}

pub async fn first_decision_stands(store: AnyStore) {
    let scene = Scene::open(store).await;
    let claimed = scene.waiting_at("a", "review").await;
    let run = &claimed.run.id;
    scene
        .store
        .decide(run, "review", &yes("ann"))
        .await
        .unwrap();
    let before = (scene.run(run).await, scene.journal(run).await);
    for (decision, answer) in [
        (yes("ann"), Decided::Already),
        (yes("bob"), Decided::Conflict(yes("ann"))),
        (no("ann"), Decided::Conflict(yes("ann"))),
    ] {
        let decided = scene.store.decide(run, "review", &decision).await.unwrap();
        assert_eq!(decided, answer);
    }
    assert_eq!((scene.run(run).await, scene.journal(run).await), before);
    // Another gate is another matter.
    let decided = scene.store.decide(run, "legal", &no("bob")).await.unwrap();
    assert_eq!(decided, Decided::Recorded);
}

pub async fn two_decisions_at_once_have_one_winner(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..10 {
        let run = scene.waiting_at(&round.to_string(), "review").await.run.id;
        let at_once = (0..6).map(|n| {
            let (store, run) = (scene.store.clone(), run.clone());
            let decision = if n % 2 == 0 { yes("ann") } else { no("bob") };
            tokio::spawn(async move { store.decide(&run, "review", &decision).await.unwrap() })
        });
        let answers = join_all(at_once).await.into_iter().map(Result::unwrap);
        let answers: Vec<Decided> = answers.collect();
        let count = |wanted: &Decided| answers.iter().filter(|a| *a == wanted).count();
        assert_eq!(count(&Decided::Recorded), 1, "{answers:?}");
        assert_eq!(count(&Decided::Already), 2, "{answers:?}");
        assert_eq!(scene.run(&run).await.wakes, 1);
        assert_eq!(scene.events(&run).await, ["decided"]);
        let claimed = scene.worker().await.claim_only().await;
        scene.must_commit(completion(&claimed)).await;
    }
}

pub async fn decision_on_a_run_that_is_over_changes_nothing(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    scene.must_commit(completion(&claimed)).await;
    let failed = scene.failed("b", vec![value("step", 1)]).await;
    for run in [&claimed.run.id, &failed] {
        let before = (scene.run(run).await, scene.journal(run).await);
        let decided = scene.store.decide(run, "review", &yes("ann")).await;
        assert_eq!(decided.unwrap(), Decided::Finished);
        assert_eq!((scene.run(run).await, scene.journal(run).await), before);
    }
}

pub async fn open_gates_are_those_that_wait_oldest_first(store: AnyStore) {
    let scene = Scene::open(store).await;
    assert!(scene.store.open_gates(10).await.unwrap().is_empty());
    scene.waiting_at("first", "review").await;
    let decided = scene.waiting_at("decided", "review").await;
    scene.waiting_at("second", "review").await;
    let (_, over) = scene.driven("over").await;
    let asks_and_ends = Commit {
        gates: vec![ask("review")],
        ..completion(&over)
    };
    scene.must_commit(asks_and_ends).await;
    let (_, two) = scene.driven("two").await;
    let asks = Commit {
        gates: vec![ask("a"), ask("b")],
        ..nothing(&two)
    };
    scene.must_commit(asks).await;
    for (run, gate) in [(&decided.run.id, "review"), (&two.run.id, "a")] {
        scene.store.decide(run, gate, &yes("ann")).await.unwrap();
    }
    // Nobody has asked here.
    let early = scene.start("early").await;
    scene
        .store
        .decide(&early, "review", &yes("ann"))
        .await
        .unwrap();

    let open = scene.store.open_gates(10).await.unwrap();
    let shown = open.iter().map(|g| (g.run.as_str(), g.name.as_str()));
    let expected = [("first", "review"), ("second", "review"), ("two", "b")];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
    assert_eq!(open[0].prompt, ask("").prompt);
    assert_eq!(open[0].context, ask("").context);
    assert!(open[0].asked_at.is_some() && open[0].decision.is_none());
    let two = scene.store.open_gates(2).await.unwrap();
    assert_eq!(two, open[..2]);
}

pub async fn asking_twice_keeps_the_first_question(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let asks = |prompt: &str| {
        let mut commit = nothing(&claimed);
        commit.gates.push(ask("review"));
        prompt.clone_into(&mut commit.gates[0].prompt);
        commit.gates[0].context = Some(json("[]"));
        commit
    };
    scene.must_commit(asks("publish?")).await;
    let first = scene.journal(&claimed.run.id).await.gates;
    scene.must_commit(asks("really?")).await;
    assert_eq!(scene.journal(&claimed.run.id).await.gates, first);
}
