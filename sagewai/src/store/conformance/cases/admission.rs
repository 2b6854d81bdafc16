//! Starts under rules: how many may wait, and which run takes the arguments of several starts.

use std::time::Duration;

use futures_util::future::join_all;

use crate::model::{
    Act, Admission, Debounce, NewRun, Outcome, Position, RunId, RunState, StartRules, Started,
};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, Scene, cancel, id, json, nap, new_run, within_patience,
};

const CREATED: Admission = Admission::Started(Started::Created);
const ATTACHED: Admission = Admission::Started(Started::Attached);

fn at_most(limit: u32) -> StartRules {
    StartRules {
        depth_max: Some(limit),
        debounce: None,
    }
}

fn debounced(key: &str, period: Duration) -> StartRules {
    StartRules {
        depth_max: None,
        debounce: Some(Debounce {
            key: key.to_owned(),
            period,
            longest: None,
        }),
    }
}

fn with_input(run: &str, n: usize) -> NewRun {
    NewRun {
        input: json(&n.to_string()),
        ..new_run(run)
    }
}

impl Scene {
    async fn admit(&self, new: NewRun, rules: &StartRules) -> Admission {
        self.store.admit(new, rules).await.unwrap()
    }

    async fn input(&self, run: &RunId) -> String {
        let journal = self.journal(run).await;
        match &journal.at(Position::INPUT).unwrap().written.outcome {
            Outcome::Ok(input) => input.as_str().to_owned(),
            other => panic!("{other:?} is no input"),
        }
    }
}

pub async fn as_many_starts_at_once_are_let_in_as_may_wait(store: AnyStore) {
    let scene = Scene::open(store).await;
    let rules = at_most(5);
    let starts = (0..40).map(|n| {
        let new = match n % 3 {
            // Every pool counts, and what is put off.
            0 => NewRun {
                pool: "other".to_owned(),
                ..new_run(&n.to_string())
            },
            1 => NewRun {
                delay: LONG,
                ..new_run(&n.to_string())
            },
            _ => new_run(&n.to_string()),
        };
        scene.admit(new, &rules)
    });
    let admitted = within_patience("an answer", join_all(starts)).await;
    let let_in = admitted.iter().filter(|a| **a == CREATED).count();
    assert_eq!(let_in, 5);
    let full = Admission::Full { depth: 5, limit: 5 };
    assert_eq!(admitted.iter().filter(|a| **a == full).count(), 35);
    let runs = scene.store.runs(&crate::RunFilter::new()).await.unwrap();
    assert_eq!(runs.len(), 5);
}

pub async fn run_that_does_not_wait_any_more_makes_room(store: AnyStore) {
    let scene = Scene::open(store).await;
    let rules = at_most(2);
    let full = Admission::Full { depth: 2, limit: 2 };
    let delayed = NewRun {
        delay: Duration::from_millis(1),
        ..new_run("delayed")
    };
    assert_eq!(scene.admit(new_run("a"), &rules).await, CREATED);
    assert_eq!(scene.admit(delayed, &rules).await, CREATED);
    assert_eq!(scene.admit(new_run("b"), &rules).await, full);
    // Its time has come: it still waits for a worker, and counts once.
    scene.tick_until_woken(1).await;
    assert_eq!(scene.admit(new_run("b"), &rules).await, full);
    // One is taken, sleeps, and goes on.
    let worker = scene.worker().await;
    let claimed = worker.claim(1).await.remove(0);
    assert_eq!(scene.admit(new_run("b"), &rules).await, CREATED);
    scene.store.commit(nap(&claimed, LONG)).await.unwrap();
    assert_eq!(scene.admit(new_run("c"), &rules).await, full);
    scene.done(&id("b"), &cancel("ann")).await;
    assert_eq!(scene.admit(new_run("c"), &rules).await, CREATED);
    // Of another workflow there may be any number.
    let other = NewRun {
        workflow: "other".to_owned(),
        ..new_run("other")
    };
    assert_eq!(scene.admit(other, &rules).await, CREATED);
}

pub async fn start_of_a_run_that_is_there_attaches_however_many_wait(store: AnyStore) {
    let scene = Scene::open(store).await;
    let rules = at_most(1);
    assert_eq!(scene.admit(new_run("a"), &rules).await, CREATED);
    assert_eq!(scene.admit(new_run("a"), &rules).await, ATTACHED);
    let conflict = scene.admit(with_input("a", 1), &rules).await;
    let expected = Started::Conflict {
        workflow: "article".to_owned(),
        same_workflow: true,
    };
    assert_eq!(conflict, Admission::Started(expected));
    // Starts without a limit are not refused, and count.
    scene.start("b").await;
    scene.start("c").await;
    let full = Admission::Full { depth: 3, limit: 1 };
    assert_eq!(scene.admit(new_run("d"), &rules).await, full);
}

pub async fn debounced_starts_become_one_run_with_the_last_arguments(store: AnyStore) {
    let scene = Scene::open(store).await;
    let rules = debounced("k", LONG);
    assert_eq!(scene.admit(with_input("first", 0), &rules).await, CREATED);
    let first = id("first");
    let due = scene.run(&first).await.due_at.unwrap();
    let urgent = NewRun {
        priority: 7,
        fingerprint: 8,
        pool: "gpu".to_owned(),
        ..with_input("second", 1)
    };
    let replaced = Admission::Replaced { run: first.clone() };
    assert_eq!(scene.admit(urgent, &rules).await, replaced);
    let run = scene.run(&first).await;
    assert_eq!((run.priority, run.fingerprint, &*run.pool), (7, 8, "gpu"));
    assert!(run.due_at.unwrap() > due);
    assert_eq!(scene.input(&first).await, "1");
    assert_eq!(scene.store.run(&id("second")).await.unwrap(), None);
    // Another key and another workflow have runs of their own.
    let apart = debounced("other", LONG);
    assert_eq!(scene.admit(with_input("third", 2), &apart).await, CREATED);
    let other = NewRun {
        workflow: "other".to_owned(),
        ..with_input("fourth", 3)
    };
    assert_eq!(scene.admit(other, &rules).await, CREATED);
    // Ended before it began, it takes nothing any more.
    scene.done(&first, &cancel("ann")).await;
    assert_eq!(scene.admit(with_input("fifth", 4), &rules).await, CREATED);
}

pub async fn debounced_run_waits_no_longer_than_it_may(store: AnyStore) {
    let scene = Scene::open(store).await;
    let within = |longest| StartRules {
        debounce: Some(Debounce {
            key: "k".to_owned(),
            period: LONG,
            longest: Some(longest),
        }),
        depth_max: None,
    };
    let first = id("first");
    scene.admit(with_input("first", 0), &within(LONG / 2)).await;
    let run = scene.run(&first).await;
    let wait = run.created_at.until(run.due_at.unwrap());
    assert!(wait <= LONG / 2, "{wait:?}");
    // What it may wait has passed: claimable at once, and still open to others.
    let at_once = within(Duration::from_micros(1));
    let replaced = Admission::Replaced { run: first.clone() };
    for n in 1..3 {
        let admitted = scene.admit(with_input("next", n), &at_once).await;
        assert_eq!(admitted, replaced);
        let run = scene.run(&first).await;
        assert_eq!((run.state, run.due_at), (RunState::Pending, None));
    }
    // From the queue it goes back among those that are put off, and counts there.
    let both = StartRules {
        depth_max: Some(1),
        ..debounced("k", LONG)
    };
    assert_eq!(scene.admit(with_input("next", 3), &both).await, replaced);
    assert_eq!(scene.worker().await.claim_ids(5).await, [""; 0]);
    let full = Admission::Full { depth: 1, limit: 1 };
    assert_eq!(scene.admit(new_run("more"), &at_most(1)).await, full);
    assert_eq!(scene.admit(with_input("next", 4), &at_once).await, replaced);
    let claimed = scene.worker().await.claim_only().await;
    let input = &claimed.journal.at(Position::INPUT).unwrap().written;
    assert_eq!(input.outcome, Outcome::Ok(json("4")));
    // Begun, it takes nothing more.
    assert_eq!(scene.admit(with_input("new", 5), &at_once).await, CREATED);
}

pub async fn paused_run_takes_no_arguments_of_debounced_starts(store: AnyStore) {
    let scene = Scene::open(store).await;
    let rules = debounced("k", LONG);
    scene.admit(with_input("first", 0), &rules).await;
    let pause = Act::Pause {
        by: "ann".to_owned(),
    };
    scene.done(&id("first"), &pause).await;
    assert_eq!(scene.admit(with_input("second", 1), &rules).await, CREATED);
    assert_eq!(scene.input(&id("first")).await, "0");
}

pub async fn debounced_start_and_claim_at_once_lose_no_arguments(store: AnyStore) {
    let scene = Scene::open(store).await;
    // The run is claimable as soon as it is there, so that each start meets claims.
    let rules = StartRules {
        debounce: Some(Debounce {
            key: "k".to_owned(),
            period: LONG,
            longest: Some(Duration::from_micros(1)),
        }),
        depth_max: None,
    };
    let worker = scene.worker().await;
    let mut last: Option<(RunId, usize)> = None;
    let mut claimed = Vec::new();
    let mut took = async |limit| {
        scene.store.tick().await.unwrap();
        for run in worker.claim(limit).await {
            let input = &run.journal.at(Position::INPUT).unwrap().written.outcome;
            claimed.push((run.run.id, input.clone()));
        }
    };
    let mut said: Vec<(RunId, usize)> = Vec::new();
    for n in 0..60 {
        let new = with_input(&format!("run-{n}"), n);
        let (admitted, ()) = tokio::join!(scene.admit(new, &rules), took(1));
        let run = match admitted {
            Admission::Started(Started::Created) => id(&format!("run-{n}")),
            Admission::Replaced { run } => run,
            other => panic!("{other:?}"),
        };
        if let Some((before, _)) = &last
            && *before != run
        {
            said.extend(last.take());
        }
        last = Some((run, n));
    }
    said.extend(last);
    // A claim that skipped what was just locked finds it now.
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_millis(50) {
        took(10).await;
    }
    let expected: Vec<_> = said
        .into_iter()
        .map(|(run, n)| (run, Outcome::Ok(json(&n.to_string()))))
        .collect();
    claimed.sort_by_key(|(run, _)| run.clone());
    let mut expected = expected;
    expected.sort_by_key(|(run, _)| run.clone());
    assert_eq!(claimed, expected);
}
