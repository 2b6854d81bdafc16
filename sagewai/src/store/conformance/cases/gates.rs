//! What people say at gates.

use std::time::Duration;

use futures_util::future::join_all;

use crate::model::{
    Act, Answer, Beyond, Claimed, Commit, DEADLINE, Decision, EventKind, Gate, GateRequest,
    GateRules, OnDeadline, RunId, RunState, Vote, VoteRefused, Voted,
};
use crate::store::AnyStore;
use crate::store::conformance::scene::{
    LONG, Scene, ask, completion, json, no, nothing, park, retry, value, yes,
};

fn decision(vote: &Vote) -> Decision {
    Decision {
        approved: vote.approved,
        by: vote.by.clone(),
        reason: vote.reason.clone(),
    }
}

async fn gate(scene: &Scene, run: &RunId) -> Gate {
    scene.journal(run).await.gates.remove(0)
}

/// A run that waits at a gate with these rules.
async fn waiting_by(scene: &Scene, run: &str, rules: GateRules) -> Claimed {
    let (_, claimed) = scene.driven(run).await;
    let asks = Commit {
        gates: vec![GateRequest {
            rules,
            ..ask("review")
        }],
        then: park(&claimed, "review"),
        ..nothing(&claimed)
    };
    scene.must_commit(asks).await;
    claimed
}

pub async fn decision_is_kept_and_told(store: AnyStore) {
    let scene = Scene::open(store).await;
    let claimed = scene.waiting_at("a", "review").await;
    let run = &claimed.run.id;
    let voted = scene.vote(run, "review", no("ann ☃")).await;
    assert_eq!(voted, Voted::Decided(decision(&no("ann ☃"))));
    let journal = scene.journal(run).await;
    let (decided, at) = journal.gates[0].decision.clone().unwrap();
    assert_eq!(decided, decision(&no("ann ☃")));
    assert!(Some(at) >= journal.gates[0].asked_at);
    assert_eq!(journal.gates[0].votes, [no("ann ☃")]);
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
    let messages = scene.messages(run).await;
    assert_eq!(messages.gates, journal.gates);
    assert_eq!(messages.run, again.run);
}

pub async fn vote_that_comes_early_is_kept_for_the_question(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.start("a").await;
    assert_eq!(scene.vote(&run, "review", yes("ann")).await, Voted::Early);
    assert_eq!(scene.vote(&run, "review", yes("ann")).await, Voted::Already);
    assert_eq!(scene.state(&run).await, RunState::Pending);
    assert_eq!(scene.events(&run).await, ["voted"]);
    let early = gate(&scene, &run).await;
    assert_eq!((early.prompt.as_str(), early.asked_at), ("", None));
    assert_eq!(
        (&early.votes[..], &early.decision),
        (&[yes("ann")][..], &None)
    );

    let worker = scene.worker().await;
    let claimed = worker.claim_only().await;
    assert_eq!(claimed.run.wakes, 1);
    assert_eq!(
        claimed.journal.gates.as_slice(),
        std::slice::from_ref(&early)
    );
    // The worker counts what is there, and says what it comes to.
    let asks = Commit {
        gates: vec![GateRequest {
            decision: Some(decision(&yes("ann"))),
            ..ask("review")
        }],
        ..nothing(&claimed)
    };
    scene.must_commit(asks).await;
    let asked = gate(&scene, &run).await;
    let (decided, at) = asked.decision.clone().unwrap();
    assert_eq!((decided, Some(at)), (decision(&yes("ann")), asked.asked_at));
    assert_eq!(asked.prompt, ask("review").prompt);
    assert_eq!(asked.context, ask("review").context);
    assert_eq!(asked.digest, ask("review").digest());
    assert_eq!(asked.votes, early.votes);
    assert!(worker.claim(10).await.is_empty(), "queued only once");
}

pub async fn first_decision_stands(store: AnyStore) {
    let scene = Scene::open(store).await;
    let claimed = scene.waiting_at("a", "review").await;
    let run = &claimed.run.id;
    scene.vote(run, "review", yes("ann")).await;
    let before = (scene.run(run).await, scene.journal(run).await);
    let stands = Voted::Conflict(decision(&yes("ann")));
    for (vote, answer) in [
        (yes("ann"), Voted::Already),
        (yes("bob"), stands.clone()),
        (no("ann"), stands),
    ] {
        assert_eq!(scene.vote(run, "review", vote).await, answer);
    }
    assert_eq!((scene.run(run).await, scene.journal(run).await), before);
    // What the run says of it later changes nothing.
    let claimed = scene.worker().await.claim_only().await;
    let asks_again = Commit {
        gates: vec![GateRequest {
            decision: Some(decision(&no("eve"))),
            ..ask("review")
        }],
        ..nothing(&claimed)
    };
    scene.must_commit(asks_again).await;
    assert_eq!(scene.journal(run).await.gates, before.1.gates);
    // Another gate is another matter.
    assert_eq!(scene.vote(run, "legal", no("bob")).await, Voted::Early);
}

pub async fn two_decisions_at_once_have_one_winner(store: AnyStore) {
    let scene = Scene::open(store).await;
    for round in 0..10 {
        let run = scene.waiting_at(&round.to_string(), "review").await.run.id;
        let at_once = (0..6).map(|n| {
            let (scene, run) = (scene.clone(), run.clone());
            let vote = if n % 2 == 0 { yes("ann") } else { no("bob") };
            tokio::spawn(async move { scene.vote(&run, "review", vote).await })
        });
        let answers = join_all(at_once).await.into_iter().map(Result::unwrap);
        let answers: Vec<Voted> = answers.collect();
        let decided = answers.iter().filter(|a| matches!(a, Voted::Decided(_)));
        assert_eq!(decided.count(), 1, "{answers:?}");
        let already = answers.iter().filter(|a| **a == Voted::Already);
        assert_eq!(already.count(), 2, "{answers:?}");
        assert_eq!(scene.run(&run).await.wakes, 1);
        assert_eq!(scene.events(&run).await, ["decided"]);
        let claimed = scene.worker().await.claim_only().await;
        scene.must_commit(completion(&claimed)).await;
    }
}

pub async fn quorum_takes_so_many_different_people(store: AnyStore) {
    let scene = Scene::open(store).await;
    let rules = GateRules {
        reviewers: vec!["ann".to_owned(), "bob".to_owned(), "cid".to_owned()],
        groups: vec!["editors".to_owned()],
        quorum: 3,
        ..GateRules::default()
    };
    let run = waiting_by(&scene, "a", rules.clone()).await.run.id;
    assert_eq!(gate(&scene, &run).await.rules, rules);
    let counted = |approvals| Voted::Counted {
        approvals,
        quorum: 3,
    };
    assert_eq!(scene.vote(&run, "review", yes("ann")).await, counted(1));
    assert_eq!(scene.vote(&run, "review", yes("ann")).await, Voted::Already);
    let refused = scene.vote(&run, "review", yes("eve")).await;
    assert!(
        matches!(refused, Voted::Refused(VoteRefused::NotAReviewer { .. })),
        "{refused:?}"
    );
    let of_group = Vote {
        groups: vec!["editors".to_owned()],
        ..yes("eve")
    };
    assert_eq!(
        scene.vote(&run, "review", of_group.clone()).await,
        counted(2)
    );
    let waiting = scene.run(&run).await;
    assert_eq!((waiting.state, waiting.wakes), (RunState::Waiting, 0));
    let last = scene.vote(&run, "review", yes("bob")).await;
    assert_eq!(last, Voted::Decided(decision(&yes("bob"))));
    assert_eq!(scene.state(&run).await, RunState::Pending);
    let votes = gate(&scene, &run).await.votes;
    assert_eq!(votes, [yes("ann"), of_group, yes("bob")]);
    assert_eq!(scene.events(&run).await, ["voted", "voted", "decided"]);
}

pub async fn votes_at_once_are_all_counted(store: AnyStore) {
    let scene = Scene::open(store).await;
    let rules = GateRules {
        quorum: 8,
        ..GateRules::default()
    };
    let run = waiting_by(&scene, "a", rules).await.run.id;
    let at_once = (0..8).map(|n| {
        let (scene, run) = (scene.clone(), run.clone());
        tokio::spawn(async move { scene.vote(&run, "review", yes(&n.to_string())).await })
    });
    let answers: Vec<_> = join_all(at_once).await;
    let decided = answers.iter().flatten();
    let decided = decided.filter(|a| matches!(a, Voted::Decided(_)));
    assert_eq!(decided.count(), 1, "{answers:?}");
    assert_eq!(gate(&scene, &run).await.votes.len(), 8);
    assert_eq!(scene.state(&run).await, RunState::Pending);
}

pub async fn deadline_decides_where_nobody_has(store: AnyStore) {
    let scene = Scene::open(store).await;
    let close = Act::CloseGate {
        gate: "review".to_owned(),
    };
    let rules = |deadline| GateRules {
        deadline: Some(deadline),
        on_deadline: OnDeadline::Approve,
        ..GateRules::default()
    };
    let far = waiting_by(&scene, "far", rules(LONG)).await.run.id;
    let asked = gate(&scene, &far).await;
    assert_eq!(asked.deadline_at, asked.asked_at.map(|at| at.after(LONG)));
    // It has not passed.
    assert!(matches!(scene.act(&far, &close).await, Answer::Already(_)));
    assert_eq!(scene.run(&far).await.wakes, 0);
    let other = Act::CloseGate {
        gate: "legal".to_owned(),
    };
    assert_eq!(scene.act(&far, &other).await, Answer::Nothing);

    let near = waiting_by(&scene, "near", rules(Duration::from_micros(1)));
    let near = near.await.run.id;
    scene.until_after(&near).await;
    let late = scene.vote(&near, "review", no("ann")).await;
    assert!(
        matches!(late, Voted::Refused(VoteRefused::PastDeadline(_))),
        "{late:?}"
    );
    scene.done(&near, &close).await;
    let (decided, _) = gate(&scene, &near).await.decision.unwrap();
    assert_eq!((decided.approved, decided.by.as_str()), (true, DEADLINE));
    let woken = scene.run(&near).await;
    assert_eq!((woken.state, woken.wakes), (RunState::Pending, 1));
    assert!(matches!(scene.act(&near, &close).await, Answer::Already(_)));
    assert_eq!(scene.events(&near).await, ["decided"]);
    let late = scene.vote(&near, "review", no("ann")).await;
    assert_eq!(late, Voted::Conflict(decided));
}

pub async fn gate_that_is_withdrawn_is_not_open(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    let run = &claimed.run.id;
    let asks = Commit {
        gates: vec![ask("review"), ask("legal")],
        ..nothing(&claimed)
    };
    scene.must_commit(asks).await;
    scene.vote(run, "legal", yes("ann")).await;
    let withdraws = Commit {
        beyond: Beyond {
            withdrawn: vec!["review".to_owned(), "legal".to_owned(), "none".to_owned()],
            ..Beyond::default()
        },
        ..nothing(&claimed)
    };
    scene.must_commit(withdraws.clone()).await;
    let gates = scene.journal(run).await.gates;
    let withdrawn: Vec<_> = gates.iter().map(|g| g.withdrawn_at.is_some()).collect();
    assert_eq!(withdrawn, [false, true], "the one that is decided stays");
    assert!(scene.store.open_gates(10).await.unwrap().is_empty());
    let refused = scene.vote(run, "review", yes("ann")).await;
    assert_eq!(refused, Voted::Refused(VoteRefused::Withdrawn));
    // Once.
    scene.must_commit(withdraws).await;
    assert_eq!(scene.journal(run).await.gates, gates);
}

pub async fn vote_on_a_run_that_is_over_changes_nothing(store: AnyStore) {
    let scene = Scene::open(store).await;
    let (_, claimed) = scene.driven("a").await;
    scene.vote(&claimed.run.id, "legal", yes("ann")).await;
    scene.must_commit(completion(&claimed)).await;
    let failed = scene.failed("b", vec![value("step", 1)]).await;
    for (run, state) in [
        (&claimed.run.id, RunState::Completed),
        (&failed, RunState::Failed),
    ] {
        let before = (scene.run(run).await, scene.journal(run).await);
        let voted = scene.vote(run, "review", yes("ann")).await;
        assert_eq!(voted, Voted::Finished(state));
        assert_eq!((scene.run(run).await, scene.journal(run).await), before);
    }
    let same = scene.vote(&claimed.run.id, "legal", yes("ann")).await;
    assert_eq!(same, Voted::Already);
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
        scene.vote(run, gate, yes("ann")).await;
    }
    // Nobody has asked here.
    let early = scene.start("early").await;
    scene.vote(&early, "review", yes("ann")).await;

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
    let asks = |prompt: &str, deadline| {
        let mut commit = nothing(&claimed);
        commit.gates.push(ask("review"));
        prompt.clone_into(&mut commit.gates[0].prompt);
        commit.gates[0].context = Some(json("[]"));
        commit.gates[0].rules.deadline = deadline;
        commit
    };
    scene.must_commit(asks("publish?", None)).await;
    let first = scene.journal(&claimed.run.id).await.gates;
    scene.must_commit(asks("really?", Some(LONG))).await;
    assert_eq!(scene.journal(&claimed.run.id).await.gates, first);
}

pub async fn retry_asks_anew_where_a_gate_was_rejected(store: AnyStore) {
    let scene = Scene::open(store).await;
    let run = scene.rejected("a", "review").await;
    scene.done(&run, &retry("ann")).await;
    assert!(scene.journal(&run).await.gates.is_empty());
    assert!(scene.positions(&run).await.is_empty());
    let claimed = scene.worker().await.claim_only().await;
    let asks = Commit {
        gates: vec![ask("review")],
        then: park(&claimed, "review"),
        ..nothing(&claimed)
    };
    scene.must_commit(asks).await;
    let voted = scene.vote(&run, "review", yes("ann")).await;
    assert_eq!(voted, Voted::Decided(decision(&yes("ann"))));
}
