//! A batch as arrays, one per column, in the order of its statement's parameters.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query as SqlxQuery;
use uuid::Uuid;

use super::flush_sql::{END, FLUSH, KEEP, MIX, MOVE, START};
use crate::model::{
    Assigned, Beyond, Commit, Ending, Json, NewRun, RunKey, Then, Timestamp, digest, micros,
};
use crate::store::columns::{self, Move};
use crate::store::group_commit::Batch;

type Query = SqlxQuery<'static, Postgres, PgArguments>;

/// The statement for a batch, with its parameters. `queue_ids` are those of its starts, in order; `handed_over` those that
/// its runs go to which another worker is to have.
pub(super) fn statement(
    batch: &Batch,
    queue_ids: Vec<i32>,
    handed_over: &HashMap<RunKey, i32>,
) -> Query {
    let sql = shortest(batch);
    let query = sqlx::query(sql);
    if sql == START {
        return bind_starts(query, batch, queue_ids);
    }
    let query = bind_checkpoints(bind_workers(query, batch), batch);
    match sql {
        KEEP => query,
        END => bind_ends(query, batch),
        MOVE => bind_moves(query, batch),
        MIX => bind_starts(bind_ends(query, batch), batch, queue_ids),
        _ => {
            let query = bind_starts(bind_moves(query, batch), batch, queue_ids);
            let query = query.bind(column(&batch.starts, |r| columns::micros(r.delay)));
            let query = bind_gates(bind_events(query, batch), batch);
            let query = bind_headers(bind_beyond(query, batch), batch);
            bind_assigned(bind_away(query, batch, handed_over), batch)
        }
    }
}

/// The shortest statement that has what the batch needs.
fn shortest(batch: &Batch) -> &'static str {
    let commits = || batch.commits.iter();
    let starts = !batch.starts.is_empty();
    let plain_commit = |c: &Arc<Commit>| {
        let hands_over = matches!(c.then, Then::HandOver(_));
        c.events.is_empty() && c.gates.is_empty() && c.beyond.is_empty() && !hands_over
    };
    let plain = batch.starts.iter().all(is_plain) && commits().all(plain_commit);
    let ends = commits().any(|c| moves(c).is_some());
    let only_completes = commits().all(|c| completes(c) || moves(c).is_none());
    match (starts, ends) {
        _ if !plain => FLUSH,
        (true, _) if batch.commits.is_empty() => START,
        (true, _) if only_completes => MIX,
        (true, _) => FLUSH,
        (false, false) => KEEP,
        (false, true) if only_completes => END,
        (false, true) => MOVE,
    }
}

/// Whether the short statements have all that a start says.
fn is_plain(run: &Arc<NewRun>) -> bool {
    run.delay.is_zero()
        && run.not_before.is_none()
        && run.assigned.is_none()
        && run.header.is_empty()
        && run.concurrency_key.is_none()
}

fn completes(commit: &Commit) -> bool {
    matches!(commit.then, Then::Finish(Ending::Completed))
}

/// How a commit changes its run's row. One that leaves no other row touches it too: that it went through the fence is
/// seen by what it wrote.
pub(super) fn moves(commit: &Commit) -> Option<Move> {
    let leaves_nothing = commit.checkpoints.is_empty() && commit.events.is_empty();
    Move::of(&commit.then).or_else(|| leaves_nothing.then(Move::nowhere))
}

fn bind_workers(query: Query, batch: &Batch) -> Query {
    let mut workers = column(&batch.commits, |c| c.worker.uuid());
    workers.sort_unstable();
    workers.dedup();
    query.bind(workers)
}

/// The three columns of the fence.
#[derive(Default)]
struct Owners {
    runs: Vec<Uuid>,
    epochs: Vec<i32>,
    workers: Vec<Uuid>,
}

impl Owners {
    fn of<'a>(commits: impl Iterator<Item = &'a Commit>) -> Owners {
        let mut owners = Owners::default();
        for commit in commits {
            owners.runs.push(commit.run.uuid());
            owners.epochs.push(commit.epoch);
            owners.workers.push(commit.worker.uuid());
        }
        owners
    }

    fn bind(self, query: Query) -> Query {
        query.bind(self.runs).bind(self.epochs).bind(self.workers)
    }
}

/// One column of many rows.
fn column<'a, R, C>(rows: &'a [R], cell: impl FnMut(&'a R) -> C) -> Vec<C> {
    rows.iter().map(cell).collect()
}

fn bind_starts(query: Query, batch: &Batch, queue_ids: Vec<i32>) -> Query {
    let rows: Vec<&NewRun> = column(&batch.starts, |run| &**run);
    query
        .bind(column(&rows, |r| r.id.key().uuid()))
        .bind(column(&rows, |r| r.id.as_str()))
        .bind(queue_ids)
        .bind(column(&rows, |r| r.priority))
        .bind(column(&rows, |r| r.fingerprint))
        .bind(column(&rows, |r| digest(&r.input)))
        .bind(column(&rows, |r| r.input.as_str()))
}

fn bind_checkpoints(query: Query, batch: &Batch) -> Query {
    let mut rows = Vec::new();
    for commit in &batch.commits {
        let of = commit.checkpoints.iter();
        rows.extend(of.map(|c| (&**commit, c, c.outcome.to_columns())));
    }
    Owners::of(rows.iter().map(|(commit, ..)| *commit))
        .bind(query)
        .bind(column(&rows, |(_, c, _)| c.position.as_str()))
        .bind(column(&rows, |(_, c, _)| columns::count(c.ordinal)))
        .bind(column(&rows, |(_, c, _)| c.kind.as_str()))
        .bind(column(&rows, |(_, c, _)| i32::from(c.site)))
        .bind(column(&rows, |(_, c, _)| c.input_digest))
        .bind(column(&rows, |(_, c, _)| columns::count(c.attempts)))
        .bind(column(&rows, |(_, c, _)| micros(c.took)))
        .bind(column(&rows, |(_, _, (word, _))| *word))
        .bind(column(&rows, |(_, _, (_, json))| json.as_str()))
}

fn bind_events(query: Query, batch: &Batch) -> Query {
    let mut rows = Vec::new();
    for commit in &batch.commits {
        rows.extend(commit.events.iter().map(|event| (&**commit, event)));
    }
    Owners::of(rows.iter().map(|(commit, _)| *commit))
        .bind(query)
        .bind(column(&rows, |(_, e)| e.id))
        .bind(column(&rows, |(_, e)| e.kind.word()))
        .bind(column(&rows, |(_, e)| columns::json(&e.kind)))
}

fn bind_gates(query: Query, batch: &Batch) -> Query {
    let mut rows = Vec::new();
    for commit in &batch.commits {
        rows.extend(commit.gates.iter().map(|gate| (&**commit, gate)));
    }
    Owners::of(rows.iter().map(|(commit, _)| *commit))
        .bind(query)
        .bind(column(&rows, |(_, g)| columns::text(&g.name)))
        .bind(column(&rows, |(_, g)| columns::text(&g.prompt)))
        .bind(column(&rows, |(_, g)| g.context.as_ref().map(Json::as_str)))
        .bind(column(&rows, |(_, g)| columns::rules(&g.rules)))
        .bind(column(&rows, |(_, g)| g.digest()))
        .bind(column(&rows, |(_, g)| {
            g.rules.deadline.map(columns::micros)
        }))
        .bind(column(&rows, |(_, g)| {
            g.decision.as_ref().map(|decision| decision.approved)
        }))
        .bind(column(&rows, |(_, g)| {
            let decision = g.decision.as_ref();
            decision.map(|decision| columns::text(&decision.by))
        }))
        .bind(column(&rows, |(_, g)| {
            let reason = g.decision.as_ref().and_then(|d| d.reason.as_deref());
            reason.map(columns::text)
        }))
}

/// One change of something beyond a run's own rows: of its four columns, one is not null.
#[derive(Default)]
struct Change {
    gate: Option<String>,
    signal: Option<String>,
    child: Option<Uuid>,
    parent: Option<Uuid>,
}

fn changes(beyond: &Beyond) -> Vec<Change> {
    let mut changes = Vec::new();
    changes.extend(beyond.withdrawn.iter().map(|gate| Change {
        gate: Some(columns::text(gate)),
        ..Change::default()
    }));
    changes.extend(beyond.taken.iter().map(|signal| Change {
        signal: Some(columns::text(signal)),
        ..Change::default()
    }));
    changes.extend(beyond.ends.iter().map(|child| Change {
        child: Some(child.uuid()),
        ..Change::default()
    }));
    changes.extend(beyond.parent.iter().map(|parent| Change {
        parent: Some(parent.uuid()),
        ..Change::default()
    }));
    changes
}

fn bind_beyond(query: Query, batch: &Batch) -> Query {
    let mut rows = Vec::new();
    for commit in &batch.commits {
        rows.extend(
            changes(&commit.beyond)
                .into_iter()
                .map(|to| (&**commit, to)),
        );
    }
    Owners::of(rows.iter().map(|(commit, _)| *commit))
        .bind(query)
        .bind(column(&rows, |(_, to)| to.gate.clone()))
        .bind(column(&rows, |(_, to)| to.signal.clone()))
        .bind(column(&rows, |(_, to)| to.child))
        .bind(column(&rows, |(_, to)| to.parent))
}

fn bind_headers(query: Query, batch: &Batch) -> Query {
    let mut limits = Vec::new();
    for run in &batch.starts {
        let of_run = run.header.limits();
        limits.extend(of_run.map(|(limit, cause)| (run.id.key().uuid(), limit, cause)));
    }
    query
        .bind(column(&batch.starts, |run| columns::parent(&run.header)))
        .bind(column(&batch.starts, |run| columns::header(&run.header)))
        .bind(column(&limits, |(run, ..)| *run))
        .bind(column(&limits, |(_, limit, _)| columns::micros(*limit)))
        .bind(column(&limits, |(.., cause)| cause.as_str()))
        .bind(column(&batch.starts, |run| {
            run.not_before.map(Timestamp::as_micros)
        }))
        .bind(column(&batch.starts, |run| run.concurrency_key.as_deref()))
}

/// In the order of [`bind_moves`].
fn bind_away(query: Query, batch: &Batch, handed_over: &HashMap<RunKey, i32>) -> Query {
    let moved = batch.commits.iter().filter(|c| moves(c).is_some());
    let away = moved.map(|c| handed_over.get(&c.run).copied());
    query.bind(away.collect::<Vec<Option<i32>>>())
}

fn bind_assigned(query: Query, batch: &Batch) -> Query {
    let runs = batch.starts.iter();
    let rows: Vec<(Uuid, &Assigned)> = runs
        .filter_map(|run| Some((run.id.key().uuid(), run.assigned.as_ref()?)))
        .collect();
    query
        .bind(column(&rows, |(run, _)| *run))
        .bind(column(&rows, |(_, assigned)| assigned.worker.uuid()))
        .bind(column(&rows, |(_, assigned)| assigned.id))
}

fn bind_ends(query: Query, batch: &Batch) -> Query {
    let ends = batch.commits.iter().map(|c| &**c).filter(|c| completes(c));
    Owners::of(ends).bind(query)
}

fn bind_moves(query: Query, batch: &Batch) -> Query {
    let mut rows = Vec::new();
    for commit in &batch.commits {
        rows.extend(moves(commit).map(|to| (&**commit, to)));
    }
    Owners::of(rows.iter().map(|(commit, _)| *commit))
        .bind(query)
        .bind(column(&rows, |(_, to)| to.state))
        .bind(column(&rows, |(_, to)| to.wakes))
        .bind(column(&rows, |(_, to)| to.waiting.as_deref()))
        .bind(column(&rows, |(_, to)| to.wake_us))
        .bind(column(&rows, |(_, to)| to.error.as_deref()))
}
