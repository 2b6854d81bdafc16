//! What a batch leaves, table by table.

use super::bulk::Bulk;
use super::queue::{ENQUEUE, execute_for};
use super::writer::Writing;
use crate::model::{
    Commit, GateRequest, Json, NewCheckpoint, NewEvent, RunKey, Then, Timestamp, Verdict,
};
use crate::store::columns::{self, Move};

/// First of all, now is bound.
pub(super) static INSERT_CHECKPOINTS: Bulk = Bulk::new(
    "INSERT INTO checkpoints (at, run_key, epoch, position, ordinal, kind, site, input_digest, attempts, took_us,
         outcome, payload)
     SELECT ?, v.* FROM (VALUES ",
    11,
    ") v",
);

/// First of all, now is bound.
pub(super) static INSERT_EVENTS: Bulk = Bulk::new(
    "INSERT INTO events (at, run_key, id, kind, detail) SELECT ?, v.* FROM (VALUES ",
    4,
    ") v",
);

/// First of all, now is bound. A question that was put stays, and a decision that came before it.
pub(super) static INSERT_GATES: Bulk = Bulk::new(
    "INSERT INTO gates (asked_at, run_key, name, prompt, context) SELECT ?, v.* FROM (VALUES ",
    4,
    ") v WHERE true ON CONFLICT (run_key, name) DO UPDATE
     SET prompt = excluded.prompt, context = excluded.context, asked_at = excluded.asked_at
     WHERE gates.asked_at IS NULL",
);

pub(super) static INSERT_TIMERS: Bulk =
    Bulk::new("INSERT INTO timers (due_at, run_key) VALUES ", 2, "");

/// First of all, now is bound.
pub(super) static MOVE: Bulk = Bulk::new(
    "UPDATE runs SET state = v.column2, waiting = v.column3, due_at = v.column4, error = v.column5,
         finished_at = CASE WHEN v.column2 IN ('completed', 'failed') THEN ? END
     FROM (VALUES ",
    5,
    ") v WHERE runs.run_key = v.column1",
);

/// What is to be written, table by table.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    pub(super) inputs: Vec<(RunKey, NewCheckpoint)>,
    checkpoints: Vec<(RunKey, i32, &'a NewCheckpoint)>,
    events: Vec<(RunKey, &'a NewEvent)>,
    gates: Vec<(RunKey, &'a GateRequest)>,
    moves: Vec<(RunKey, Move, Option<i64>)>,
    pub(super) queued: Vec<RunKey>,
    pub(super) timers: Vec<(i64, RunKey)>,
}

impl<'a> Rows<'a> {
    /// Adds a commit that is let through.
    pub(super) fn add(&mut self, commit: &'a Commit, verdict: Verdict, now: Timestamp) {
        let run = commit.run;
        let checkpoints = commit.checkpoints.iter();
        self.checkpoints
            .extend(checkpoints.map(|c| (run, commit.epoch, c)));
        self.events.extend(commit.events.iter().map(|e| (run, e)));
        self.gates.extend(commit.gates.iter().map(|g| (run, g)));
        if verdict == Verdict::Awake {
            return;
        }
        if let Some(to) = Move::of(&commit.then) {
            let due_at = to.wake_us.map(|wait| now.as_micros() + wait);
            if let Some(due_at) = due_at {
                self.timers.push((due_at, run));
            }
            if commit.then == Then::HandBack {
                self.queued.push(run);
            }
            self.moves.push((run, to, due_at));
        }
    }

    /// Writes everything.
    pub(super) async fn insert(&self, tx: &mut Writing<'_>) -> Result<(), sqlx::Error> {
        let inputs = self.inputs.iter().map(|(run, input)| (*run, 0, input));
        let checkpoints: Vec<_> = inputs.chain(self.checkpoints.iter().copied()).collect();
        insert_checkpoints(tx, &checkpoints).await?;
        let now = tx.now.as_micros();
        for (sql, part) in INSERT_EVENTS.parts(&self.events) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, event) in part {
                query = query
                    .bind(run.uuid())
                    .bind(event.id)
                    .bind(event.kind.word())
                    .bind(columns::json(&event.kind));
            }
            query.execute(&mut **tx).await?;
        }
        for (sql, part) in INSERT_GATES.parts(&self.gates) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, gate) in part {
                query = query
                    .bind(run.uuid())
                    .bind(columns::text(&gate.name))
                    .bind(columns::text(&gate.prompt))
                    .bind(gate.context.as_ref().map(Json::as_str));
            }
            query.execute(&mut **tx).await?;
        }
        for (sql, part) in MOVE.parts(&self.moves) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, to, due_at) in part {
                query = query
                    .bind(run.uuid())
                    .bind(to.state)
                    .bind(to.waiting.as_deref())
                    .bind(due_at)
                    .bind(to.error.as_deref());
            }
            query.execute(&mut **tx).await?;
        }
        for (sql, part) in INSERT_TIMERS.parts(&self.timers) {
            let mut query = sqlx::query(sql);
            for (due_at, run) in part {
                query = query.bind(due_at).bind(run.uuid());
            }
            query.execute(&mut **tx).await?;
        }
        execute_for(tx, &ENQUEUE, &self.queued).await
    }
}

async fn insert_checkpoints(
    tx: &mut Writing<'_>,
    checkpoints: &[(RunKey, i32, &NewCheckpoint)],
) -> Result<(), sqlx::Error> {
    let now = tx.now.as_micros();
    for (sql, part) in INSERT_CHECKPOINTS.parts(checkpoints) {
        let mut query = sqlx::query(sql).bind(now);
        for (run, epoch, checkpoint) in part {
            let (outcome, payload) = checkpoint.outcome.to_columns();
            query = query
                .bind(run.uuid())
                .bind(epoch)
                .bind(checkpoint.position.as_str())
                .bind(columns::count(checkpoint.ordinal))
                .bind(checkpoint.kind.as_str())
                .bind(i32::from(checkpoint.site))
                .bind(checkpoint.input_digest)
                .bind(columns::count(checkpoint.attempts))
                .bind(columns::micros(checkpoint.took))
                .bind(outcome)
                .bind(payload.as_str().to_owned());
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}
