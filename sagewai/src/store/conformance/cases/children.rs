//! Runs that started others.

use std::time::Duration;

use crate::error::Fault;
use crate::model::{
    Act, Beyond, Claimed, Commit, Header, NewRun, OnParentEnd, Outcome, Parent, RunId, RunState,
    Verdict,
};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, Scene, Worker, cancel, completion, json, nap, new_run, nothing, park, progress,
};

/// A child of a run, which started it at this position.
fn child_of(parent: &RunId, id: &str, on_end: OnParentEnd) -> NewRun {
    NewRun {
        header: Header {
            started_by: Some("ann ☃".to_owned()),
            parent: Some(Parent {
                run: parent.clone(),
                position: format!("child:{id}").into(),
                on_end,
            }),
            ..Header::default()
        },
        ..new_run(id)
    }
}

/// Ends a child, whose parent is told.
fn end_of(child: &Claimed) -> Commit {
    let parent = child.run.header.parent.as_ref().unwrap();
    Commit {
        beyond: Beyond {
            parent: Some(parent.run.key()),
            ..Beyond::default()
        },
        ..completion(child)
    }
}

/// A parent that is driven, and a child that is driven by the same worker.
async fn family(scene: &Scene, parent: &str) -> (Worker, Claimed, Claimed) {
    let (worker, claimed) = scene.driven(parent).await;
    let id = format!("{parent}'s");
    let child = child_of(&claimed.run.id, &id, OnParentEnd::Cancel);
    scene.start_run(child).await;
    let child = worker.claim_only().await;
    (worker, claimed, child)
}

pub async fn children_are_listed_with_how_they_ended(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, parent) = scene.driven("a").await;
    let run = &parent.run.id;
    assert!(scene.messages(run).await.children.is_empty());
    let ids = ["z", "m", "b"];
    for id in ids {
        let child = child_of(run, id, OnParentEnd::Abandon);
        let header = child.header.clone();
        let child = scene.start_run(child).await;
        assert_eq!(scene.run(&child).await.header, header);
    }
    let claimed = worker.claim(2).await;
    assert_eq!(claimed[0].run.header.started_by.as_deref(), Some("ann ☃"));
    scene.must_commit(end_of(&claimed[0])).await;
    scene.done(&claimed[1].run.id, &cancel("bob")).await;
    let children = scene.messages(run).await.children;
    let shown: Vec<_> = children.iter().map(|c| (c.run.as_str(), c.state)).collect();
    let states = [RunState::Completed, RunState::Cancelled, RunState::Pending];
    assert_eq!(shown, ids.into_iter().zip(states).collect::<Vec<_>>());
    assert_eq!(children[0].position.as_str(), "child:z");
    assert_eq!(children[0].workflow, parent.run.workflow);
    let done = Outcome::Ok(json("\"done\""));
    assert_eq!(children[0].outcome, Some(done));
    assert!(children[0].finished_at.is_some());
    let cancelled = children[1].outcome.as_ref();
    assert!(matches!(
        cancelled,
        Some(Outcome::Fault(Fault::Cancelled { by, .. })) if by == "bob"
    ));
    assert_eq!(
        (&children[2].outcome, children[2].finished_at),
        (&None, None)
    );
}

pub async fn end_of_a_child_wakes_its_parent(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, parent, child) = family(&scene, "a").await;
    let run = &parent.run.id;
    scene.must_commit(nap(&parent, LONG)).await;
    scene.must_commit(end_of(&child)).await;
    scene.must_commit(end_of(&child)).await;
    scene.tick_until_woken(1).await;
    let woken = scene.run(run).await;
    assert_eq!((woken.state, woken.due_at), (RunState::Pending, None));
    let tick = scene.store.tick().await.unwrap();
    assert_eq!((tick.woken, tick.next_due), (0, None), "its timer is gone");
    assert_eq!(worker.claim_only().await.run.id, *run);
    assert!(worker.claim(10).await.is_empty());
}

pub async fn end_of_a_child_is_heard_by_a_parent_that_is_driven(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, parent, child) = family(&scene, "a").await;
    scene.must_commit(end_of(&child)).await;
    scene.tick_until_woken(1).await;
    assert_eq!(scene.run(&parent.run.id).await.wakes, 1);
    let sleeps = nap(&parent, LONG);
    assert_eq!(scene.store.commit(sleeps).await.unwrap(), Verdict::Awake);
}

pub async fn end_of_a_child_means_nothing_to_a_parent_that_does_not_wait(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, over, of_over) = family(&scene, "over").await;
    scene.must_commit(completion(&over)).await;
    let (_, paused, of_paused) = family(&scene, "paused").await;
    scene.must_commit(nap(&paused, LONG)).await;
    let pause = Act::Pause {
        by: "ann".to_owned(),
    };
    scene.done(&paused.run.id, &pause).await;
    // A parent that is not to go on before its time does not.
    let delayed = NewRun {
        delay: LONG,
        ..new_run("delayed")
    };
    let delayed = scene.start_run(delayed).await;
    let child = child_of(&delayed, "of delayed", OnParentEnd::Cancel);
    scene.start_run(child).await;
    let of_delayed = scene.worker().await.claim_only().await;
    let nobody = child_of(&RunId::new("ghost").unwrap(), "orphan", OnParentEnd::Cancel);
    scene.start_run(nobody).await;
    let orphan = scene.worker().await.claim_only().await;

    let parents = [&over.run.id, &paused.run.id, &delayed];
    let mut before = Vec::new();
    for parent in parents {
        before.push(scene.run(parent).await);
    }
    for child in [&of_over, &of_paused, &of_delayed, &orphan] {
        scene.must_commit(end_of(child)).await;
    }
    scene.tick_until_quiet(LONG / 2).await;
    for (parent, before) in parents.into_iter().zip(before) {
        assert_eq!(scene.run(parent).await, before);
    }
    assert!(scene.worker().await.claim(10).await.is_empty());
}

pub async fn children_end_with_their_parent_unless_they_are_abandoned(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, parent, child) = family(&scene, "a").await;
    let abandoned = child_of(&parent.run.id, "abandoned", OnParentEnd::Abandon);
    let abandoned = scene.start_run(abandoned).await;
    let grandchild = child_of(&child.run.id, "grandchild", OnParentEnd::Cancel);
    let grandchild = scene.start_run(grandchild).await;
    let over = child_of(&parent.run.id, "over", OnParentEnd::Cancel);
    scene.start_run(over).await;
    let claimed = worker.claim(10).await;
    scene.must_commit(end_of(&claimed[2])).await;
    let over = &claimed[2].run.id;

    scene.done(&parent.run.id, &cancel("ann")).await;
    scene.tick_until(&grandchild, RunState::Cancelled).await;
    assert_eq!(scene.state(&child.run.id).await, RunState::Cancelled);
    let output = scene.store.output(&child.run.id).await.unwrap();
    assert!(
        matches!(&output, Some(Outcome::Fault(Fault::Cancelled { reason, .. })) if reason.contains("`a`")),
        "{output:?}"
    );
    let verdict = scene.store.commit(progress(&child, "step", 1)).await;
    assert_eq!(verdict.unwrap(), Verdict::Fenced);
    assert_eq!(scene.state(&abandoned).await, RunState::Running);
    assert_eq!(scene.state(over).await, RunState::Completed);
    scene.tick_until_quiet(LONG).await;
}

pub async fn commit_ends_children_that_are_not_waited_for(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, parent, child) = family(&scene, "a").await;
    let ends = |claimed: &Claimed| Commit {
        beyond: Beyond {
            ends: vec![child.run.key(), RunId::new("ghost").unwrap().key()],
            ..Beyond::default()
        },
        ..progress(claimed, "race/won", 1)
    };
    let stale = Claimed {
        run: crate::model::Run {
            epoch: 7,
            ..parent.run.clone()
        },
        ..parent.clone()
    };
    assert_eq!(
        scene.store.commit(ends(&stale)).await.unwrap(),
        Verdict::Fenced
    );
    scene.tick_until_quiet(LONG).await;
    assert_eq!(scene.state(&child.run.id).await, RunState::Running);

    let mut work = scene.store.hints().watch_work();
    scene.must_commit(ends(&parent)).await;
    work.changed().await;
    scene.tick_until(&child.run.id, RunState::Cancelled).await;
    scene.tick_until_quiet(LONG).await;
    // Its parent goes on, and hears of it as of any other end.
    let parent = scene.run(&parent.run.id).await;
    assert_eq!((parent.state, parent.wakes), (RunState::Running, 1));
    assert!(worker.claim(10).await.is_empty());
}

pub async fn park_and_end_of_a_child_at_once_lose_no_wake_up(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..30 {
        let (worker, parent, child) = family(&scene, &round.to_string()).await;
        let parks = Commit {
            then: park(&parent, "child"),
            ..nothing(&parent)
        };
        let (store, end) = (scene.store.clone(), end_of(&child));
        let ending = async move { store.commit(end).await.unwrap() };
        let store = scene.store.clone();
        let parking = async move { store.commit(parks).await.unwrap() };
        let ticker = scene.clone();
        let ticking = async move { ticker.tick_until_woken(1).await };
        let (ended, parked, ticked) = tokio::join!(
            tokio::spawn(ending),
            tokio::spawn(parking),
            tokio::spawn(ticking)
        );
        ticked.unwrap();
        assert_eq!(ended.unwrap(), Verdict::Committed);
        let holder = match parked.unwrap() {
            Verdict::Committed => worker.claim_only().await,
            Verdict::Awake => parent,
            Verdict::Fenced => panic!("nobody took the run"),
        };
        let children = scene.messages(&holder.run.id).await.children;
        assert!(children[0].outcome.is_some(), "round {round}");
        scene.must_commit(completion(&holder)).await;
    }
}

pub async fn start_again_keeps_the_first_header(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, parent) = scene.driven("a").await;
    let child = child_of(&parent.run.id, "b", OnParentEnd::Cancel);
    let first = child.header.clone();
    let run = scene.start_run(child).await;
    let again = NewRun {
        header: Header {
            deadline: Some(Duration::ZERO),
            ..Header::default()
        },
        ..new_run("b")
    };
    let attached = scene.store.start(again).await.unwrap();
    assert_eq!(attached, crate::model::Started::Attached);
    assert_eq!(scene.run(&run).await.header, first);
    scene.tick_until_quiet(LONG).await;
    assert_eq!(scene.state(&run).await, RunState::Pending);
}
