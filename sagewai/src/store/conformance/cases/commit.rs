//! What a commit leaves.

use std::time::Duration;

use futures_util::future::join_all;

use crate::error::Fault;
use crate::model::{
    Checkpoint, CheckpointKind, Commit, Ending, EventKind, Json, NewCheckpoint, NewEvent, Outcome,
    Position, RunState, Then, Verdict,
};
use crate::store::conformance::scene::{
    Scene, ask, completion, json, nothing, outcome, progress, value,
};
use crate::store::{AnyStore, PAYLOAD_BYTES_MAX, StoreError};

pub async fn commit_is_read_back_as_it_was_written(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let written = vec![
        value("research", 1),
        NewCheckpoint {
            kind: CheckpointKind::Record,
            site: u16::MAX,
            input_digest: i64::MIN,
            attempts: 4_000_000,
            took: Duration::from_hours(24_000),
            ..outcome("join.1/draft#2", 2, Outcome::Err(json(r#"{"no":"ink ☃"}"#)))
        },
        NewCheckpoint {
            kind: CheckpointKind::Sleep,
            took: Duration::ZERO,
            ..outcome("nap", 3, Outcome::Ok(json("1.50")))
        },
        NewCheckpoint {
            kind: CheckpointKind::Gate,
            ..outcome(
                "approval:review",
                4,
                Outcome::Fault(Fault::Rejected {
                    gate: "review".to_owned(),
                    reason: "too \"long\"".to_owned(),
                    reviewer: "ann".to_owned(),
                }),
            )
        },
    ];
    let failed = NewEvent::new(EventKind::AttemptFailed {
        position: Position::from("draft"),
        attempt: 1,
        error: "no ink".to_owned(),
        next_at: Some(claimed.run.created_at),
    });
    let commit = Commit {
        checkpoints: written.clone(),
        events: vec![failed.clone()],
        gates: vec![ask("review")],
        ..nothing(&claimed)
    };
    scene.must_commit(commit).await;

    let journal = scene.journal(&claimed.run.id).await;
    let checkpoints = journal.checkpoints.iter().skip(1);
    let read: Vec<&NewCheckpoint> = checkpoints.map(|c| &c.written).collect();
    assert_eq!(read, written.iter().collect::<Vec<_>>());
    assert!(
        journal
            .checkpoints
            .iter()
            .all(|c| c.at >= claimed.run.created_at)
    );
    assert_eq!(journal.events.len(), 1);
    assert_eq!(journal.events[0].id, failed.id);
    assert_eq!(journal.events[0].kind, failed.kind);
    assert_eq!(journal.gates.len(), 1);
    let gate = &journal.gates[0];
    assert_eq!((&gate.run, gate.name.as_str()), (&claimed.run.id, "review"));
    assert_eq!(gate.prompt, ask("review").prompt);
    assert_eq!(gate.context, ask("review").context);
    assert!(gate.asked_at.is_some() && gate.decision.is_none());
    assert_eq!(
        scene.run(&claimed.run.id).await,
        claimed.run,
        "the run's row is not touched"
    );
}

pub async fn journal_is_in_order(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let mut noted = Vec::new();
    for ordinal in [10, 2, 30, 1] {
        let event = NewEvent::new(EventKind::HandedBack {
            worker: ordinal.to_string(),
        });
        noted.push(event.id);
        let commit = Commit {
            events: vec![event],
            ..progress(&claimed, &format!("step-{ordinal}"), ordinal)
        };
        scene.must_commit(commit).await;
    }
    let journal = scene.journal(&claimed.run.id).await;
    let ordinals = journal.checkpoints.iter().map(|c| c.written.ordinal);
    assert_eq!(ordinals.collect::<Vec<_>>(), [0, 1, 2, 10, 30]);
    let events = journal.events.iter().map(|e| e.id);
    assert_eq!(events.collect::<Vec<_>>(), noted);
}

pub async fn output_is_there_as_soon_as_the_run_has_ended(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let id = &claimed.run.id;
    assert_eq!(scene.store.output(id).await.unwrap(), None);
    let end = completion(&claimed);
    let written = end.checkpoints[0].outcome.clone();
    scene.must_commit(end).await;
    assert_eq!(scene.store.output(id).await.unwrap(), Some(written));
    let nobody = "nobody".try_into().unwrap();
    assert_eq!(scene.store.output(&nobody).await.unwrap(), None);
}

pub async fn completed_run_keeps_its_output(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    scene.must_commit(completion(&claimed)).await;
    let run = scene.run(&claimed.run.id).await;
    assert_eq!(run.state, RunState::Completed);
    assert!(run.finished_at >= run.started_at && run.finished_at.is_some());
    assert_eq!((run.error, run.waiting, run.due_at), (None, None, None));
    let journal = scene.journal(&claimed.run.id).await;
    let output: &Checkpoint = journal.at(Position::OUTPUT).unwrap();
    assert_eq!(output.written, completion(&claimed).checkpoints[0]);
    worker.die().await;
    assert!(
        scene.worker().await.claim(10).await.is_empty(),
        "nothing is left to claim"
    );
}

pub async fn failed_run_says_what_went_wrong(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let end = Commit {
        then: Then::Finish(Ending::Failed {
            // An error's text is the only one that may hold what databases refuse.
            error: "no \0ink ☃".to_owned(),
        }),
        ..progress(&claimed, Position::OUTPUT, 1)
    };
    scene.must_commit(end).await;
    let run = scene.run(&claimed.run.id).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(run.error.as_deref(), Some("no ink ☃"));
    assert!(run.finished_at.is_some());
}

pub async fn too_large_payload_is_refused_with_nothing_written(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let large = Json::encode(&"x".repeat(PAYLOAD_BYTES_MAX)).unwrap();
    let mut in_checkpoint = progress(&claimed, "small", 1);
    let checkpoint = outcome("large", 2, Outcome::Ok(large.clone()));
    in_checkpoint.checkpoints.push(checkpoint);
    let mut in_gate = progress(&claimed, "small", 1);
    in_gate.gates.push(ask("review"));
    in_gate.gates[0].context = Some(large);
    for commit in [in_checkpoint, in_gate] {
        let refused = scene.store.commit(commit).await;
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
        assert!(scene.positions(&claimed.run.id).await.is_empty());
        assert!(scene.journal(&claimed.run.id).await.gates.is_empty());
    }
    scene.must_commit(progress(&claimed, "small", 1)).await;
}

pub async fn many_commits_at_once_are_each_judged_alone(store: AnyStore) {
    let scene = Scene::open(store).await;
    for n in 0..120 {
        scene.start(&n.to_string()).await;
    }
    let worker = scene.worker().await;
    let all = worker.claim(200).await;
    let commits = all.iter().enumerate().map(|(n, claimed)| {
        let mut commit = match n % 3 {
            0 => progress(claimed, "step", 1),
            1 => completion(claimed),
            _ => Commit {
                then: Then::HandBack,
                ..nothing(claimed)
            },
        };
        if n % 10 == 7 {
            commit.epoch -= 1;
        }
        commit
    });
    let tasks = commits.map(|commit| {
        let store = scene.store.clone();
        tokio::spawn(async move { store.commit(commit).await.unwrap() })
    });
    for (n, verdict) in join_all(tasks).await.into_iter().enumerate() {
        let expected = if n % 10 == 7 {
            Verdict::Fenced
        } else {
            Verdict::Committed
        };
        assert_eq!(verdict.unwrap(), expected, "commit {n}");
        let state = scene.state(&all[n].run.id).await;
        let expected = match n % 3 {
            _ if n % 10 == 7 => RunState::Running,
            0 => RunState::Running,
            1 => RunState::Completed,
            _ => RunState::Pending,
        };
        assert_eq!(state, expected, "run {n}");
        let steps = scene.positions(&all[n].run.id).await.len();
        assert_eq!(steps, usize::from(n % 10 != 7 && n % 3 != 2), "run {n}");
    }
}

pub async fn position_that_is_taken_is_an_error_of_its_own_commit(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (worker, claimed) = scene.driven("a").await;
    scene.must_commit(progress(&claimed, "step", 1)).await;
    worker.die().await;
    let heir = scene.worker().await;
    let claimed = heir.claim_only().await;
    for n in 0..20 {
        scene.start(&n.to_string()).await;
    }
    let others = heir.claim(50).await;
    let mut tasks = vec![{
        let (store, taken) = (scene.store.clone(), progress(&claimed, "step", 2));
        tokio::spawn(async move { store.commit(taken).await })
    }];
    tasks.extend(others.iter().map(|other| {
        let (store, free) = (scene.store.clone(), progress(other, "step", 1));
        tokio::spawn(async move { store.commit(free).await })
    }));
    let mut answers = join_all(tasks).await.into_iter().map(Result::unwrap);
    let refused = answers.next().unwrap();
    assert!(
        matches!(refused, Err(StoreError::Refused { .. })),
        "{refused:?}"
    );
    for answer in answers {
        assert_eq!(answer.unwrap(), Verdict::Committed);
    }
    assert_eq!(scene.positions(&claimed.run.id).await, ["step"]);
    scene.must_commit(progress(&claimed, "next", 2)).await;
}

pub async fn run_that_is_handed_back_is_claimable_at_once(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let back = Commit {
        then: Then::HandBack,
        ..progress(&claimed, "step", 1)
    };
    scene.must_commit(back).await;
    assert_eq!(scene.state(&claimed.run.id).await, RunState::Pending);
    let again = scene.worker().await.claim_only().await;
    assert_eq!((again.run.epoch, again.run.claims), (2, 0));
    assert_eq!(again.run.started_at, claimed.run.started_at);
    assert!(again.journal.at("step").is_some());
    let last = again.journal.events.last().unwrap();
    assert!(matches!(&last.kind, EventKind::Claimed { worker, takeover: false } if worker == "w"));
}
