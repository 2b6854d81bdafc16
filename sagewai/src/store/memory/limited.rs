//! Which runs of a workflow with limits may be taken: what is used up is counted from the runs themselves.

use std::time::Duration;

use super::tables::Tables;
use crate::model::{Candidate, Limited, Limits, Run, RunKey, RunState, Serves, Timestamp, Usage};

/// Up to `most` runs, and when a rate lets the next one begin. `only` serves this workflow alone.
pub(super) fn choose(
    tables: &Tables,
    limited: &Limited,
    only: &Serves,
    most: usize,
    now: Timestamp,
) -> (Vec<RunKey>, Option<Duration>) {
    let served = |key: &RunKey| tables.runs[key].is_served_by(only);
    // They have their slots.
    let orphans = tables.orphans().into_iter().filter(served);
    let mut chosen: Vec<RunKey> = orphans.take(most).collect();
    let queued = tables.queue.iter().map(|queued| queued.key);
    let queued: Vec<Candidate> = queued
        .filter(served)
        .map(|key| candidate(&tables.runs[&key].run))
        .collect();
    let usage = usage(tables, &limited.workflow, &limited.limits, now);
    let admitted = usage.admit(&limited.limits, &queued, most - chosen.len(), now);
    chosen.extend(admitted.runs);
    (chosen, admitted.again_at.map(|at| now.until(at)))
}

/// Whether the limits let a queued run go on.
pub(super) fn admits(tables: &Tables, run: &Run, limits: &Limits, now: Timestamp) -> bool {
    let usage = usage(tables, &run.workflow, limits, now);
    let admitted = usage.admit(limits, &[candidate(run)], 1, now);
    !admitted.runs.is_empty()
}

fn candidate(run: &Run) -> Candidate {
    Candidate {
        lane: run.concurrency_key.clone().unwrap_or_default(),
        run: run.key(),
        first: run.started_at.is_none(),
    }
}

fn usage(tables: &Tables, workflow: &str, limits: &Limits, now: Timestamp) -> Usage {
    let mut usage = Usage::default();
    let runs = tables.runs.values().map(|rows| &rows.run);
    for run in runs.filter(|run| run.workflow == workflow) {
        let lane = run.concurrency_key.as_deref().unwrap_or_default();
        if run.state == RunState::Running {
            usage.add_running(lane, 1);
        }
        let of_lane = limits.rate_per_key.filter(|_| !lane.is_empty());
        for (lane, rate) in [("", limits.rate), (lane, of_lane)] {
            if let Some((rate, began)) = rate.zip(run.started_at) {
                let until = began.after(rate.per);
                if until > now {
                    usage.add_begun(lane, until, 1);
                }
            }
        }
    }
    usage
}
