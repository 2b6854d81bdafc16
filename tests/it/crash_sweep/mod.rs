//! Thousands of crashes around races and joins, in one process: at each commit, before it and after it, and inside
//! steps. A ledger outside of the store tells whether anything was lost, repeated, or decided twice.

mod scripted;
mod workflow;

use std::sync::Arc;

use sagewai::prelude::*;
use sagewai::store::{AnyStore, InMemoryStore};
use sagewai::{CheckpointKind, Outcome, Settled, Waiting};
use sagewai_tests::watched_store::WatchedStore;

use crate::support::soon;
use scripted::{Entry, Script};
use workflow::storm;

/// How many crashes a test run injects; `SAGEWAI_TEST_CRASHES` says another number.
fn crashes_wanted() -> u32 {
    let wanted = std::env::var("SAGEWAI_TEST_CRASHES").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(1_500)
}

#[test]
fn crashes_around_races_and_joins_lose_repeat_and_redecide_nothing() {
    let store = InMemoryStore::new();
    let first = std::env::var("SAGEWAI_TEST_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let first: u64 = first.unwrap_or_else(|| u64::from(std::process::id()) * 1_000_000);
    let (mut crashes, mut runs) = (0, 0);
    while crashes < crashes_wanted() {
        crashes += one_run(&store, first + runs);
        runs += 1;
    }
    assert!(runs > 10, "{runs} runs");
}

/// A process: with it goes everything that it was doing.
fn process<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(soon(work))
}

/// Drives a run to its end over all its crashes, and says how many there were.
fn one_run(inner: &InMemoryStore, seed: u64) -> u32 {
    let id = format!("storm-{seed}");
    let script = Script::begin(&id, seed);
    let watch = Arc::new(script.clone());
    let store = AnyStore::new(WatchedStore::new(AnyStore::from(inner), watch));
    let client = Client::new(&store);
    let handle = process(storm(seed).run_id(&id).start(&client)).unwrap();
    let mut crashes = 0;
    let output = loop {
        script.new_process();
        let settled = process(async {
            tokio::select! {
                settled = handle.run() => Some(settled),
                () = script.crashed() => None,
            }
        });
        match settled {
            Some(Ok(Settled::Completed(output))) => break output,
            // Nothing but the gate is left to wait for.
            Some(Ok(Settled::Waiting(Waiting::Gate { gate }))) => {
                process(client.gate(&id, &gate).approve("ann").into_future()).unwrap();
            }
            Some(other) => panic!("seed {seed}: {other:?}\n{:#?}", script.entries()),
            None => {
                crashes += 1;
                // The process is gone, which another one finds out.
                process(async {
                    let run = store.run(handle.id()).await.unwrap().unwrap();
                    if let Some(worker) = run.worker {
                        store.bury(worker).await.unwrap();
                    }
                });
            }
        }
    };
    let journal = process(client.journal(handle.id())).unwrap();
    let ordinals: Vec<u32> = journal
        .checkpoints
        .iter()
        .map(|c| c.written.ordinal)
        .collect();
    let expected: Vec<u32> = (0..).take(ordinals.len()).collect();
    assert_eq!(
        ordinals, expected,
        "seed {seed}: one checkpoint after the other"
    );
    let entries = script.entries();
    let fail = |why: String| panic!("seed {seed}: {why}\n{entries:#?}");
    for checkpoint in journal.checkpoints.iter().map(|c| &c.written) {
        if checkpoint.kind != CheckpointKind::Step {
            continue;
        }
        let position = checkpoint.position.as_str();
        let of = |entry: &Entry| entry.position() == Some(position);
        let committed = entries
            .iter()
            .position(|e| matches!(e, Entry::Committed { positions } if positions.iter().any(|p| p == position)));
        let Some(committed) = committed else {
            fail(format!("`{position}` is stored, and no commit brought it"));
            continue;
        };
        if entries[committed..].iter().any(of) {
            fail(format!(
                "`{position}` was executed after its result was committed"
            ));
        }
        let given: Vec<&Outcome> = entries[..committed]
            .iter()
            .filter_map(|e| match e {
                Entry::Ended {
                    position: p,
                    outcome,
                    ..
                } if p == position => Some(outcome),
                _ => None,
            })
            .collect();
        // (What `act` gives is what was decided, which is looked at below.)
        if checkpoint.position.name() != "act" && !given.contains(&&checkpoint.outcome) {
            fail(format!("`{position}` holds what no execution of it gave"));
        }
    }
    // What was decided is what was acted upon, once and for all, and is what the run says.
    let decided: Vec<&String> = entries
        .iter()
        .filter_map(|e| match e {
            Entry::Decided { what } => Some(what),
            _ => None,
        })
        .collect();
    for what in &decided {
        let subject = what.split(' ').next();
        let all: Vec<_> = decided
            .iter()
            .filter(|d| d.split(' ').next() == subject)
            .collect();
        if all.iter().any(|other| *other != what) {
            fail(format!("decided in two ways: {all:?}"));
        }
        if !output.contains(*what) {
            fail(format!("acted upon `{what}`, and the run says {output:?}"));
        }
    }
    script.end();
    crashes
}
