//! What a batch leaves, table by table.

use sqlx::SqliteConnection;

use super::bulk::Bulk;
use super::fleet::INSERT_ASSIGNED;
use super::queue::{ENQUEUE, execute_for};
use crate::model::{
    Assigned, Cause, Commit, GateRequest, Json, NewCheckpoint, NewEvent, NewRun, RunKey, Then,
    Timestamp, Verdict,
};
use crate::store::columns::{self, Move};
use crate::store::sql::keep_asked;

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

/// First of all, now is bound, three times.
pub(super) static INSERT_GATES: Bulk = Bulk::new(
    "INSERT INTO gates AS g (asked_at, run_key, name, prompt, context, rules, digest, deadline_at, approved, decided_by,
         reason, decided_at)
     SELECT ?, v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, ? + v.column7, v.column8, v.column9,
         v.column10, CASE WHEN v.column8 IS NOT NULL THEN ? END
     FROM (VALUES ",
    10,
    concat!(") v WHERE true ", keep_asked!()),
);

/// First of all, now is bound.
pub(super) static WITHDRAW_GATES: Bulk = Bulk::new(
    "UPDATE gates SET withdrawn_at = ?
     WHERE asked_at IS NOT NULL AND decided_at IS NULL AND withdrawn_at IS NULL AND (run_key, name) IN (VALUES ",
    2,
    ")",
);

pub(super) static DELETE_SIGNALS: Bulk = Bulk::new(
    "DELETE FROM signals WHERE (run_key, id) IN (VALUES ",
    2,
    ")",
);

pub(super) static INSERT_ENDINGS: Bulk = Bulk::new(
    "INSERT INTO endings (due_at, run_key, cause) VALUES ",
    3,
    " ON CONFLICT DO NOTHING",
);

pub(super) static SET_HEADERS: Bulk = Bulk::new(
    "UPDATE runs SET parent_key = v.column2, header = v.column3, lane = v.column4 FROM (VALUES ",
    4,
    ") v WHERE runs.run_key = v.column1",
);

pub(super) static INSERT_TIMERS: Bulk = Bulk::new(
    "INSERT INTO timers (due_at, run_key) VALUES ",
    2,
    " ON CONFLICT DO NOTHING",
);

/// First of all, now is bound.
pub(super) static MOVE: Bulk = Bulk::new(
    "UPDATE runs SET state = v.column2, waiting = v.column3, due_at = v.column4, error = v.column5,
         finished_at = CASE WHEN v.column2 IN ('completed', 'failed') THEN ? END,
         pausing = pausing AND v.column2 NOT IN ('paused', 'completed', 'failed'),
         away_id = CASE WHEN v.column2 IN ('pending', 'running') THEN coalesce(v.column6, away_id) END
     FROM (VALUES ",
    6,
    ") v WHERE runs.run_key = v.column1",
);

/// What is to be written, table by table.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    pub(super) inputs: Vec<(RunKey, NewCheckpoint)>,
    checkpoints: Vec<(RunKey, i32, &'a NewCheckpoint)>,
    events: Vec<(RunKey, &'a NewEvent)>,
    gates: Vec<(RunKey, &'a GateRequest)>,
    withdrawn: Vec<(RunKey, &'a str)>,
    taken: Vec<(RunKey, &'a str)>,
    headers: Vec<(RunKey, &'a NewRun)>,
    endings: Vec<(i64, RunKey, Cause)>,
    assigned: Vec<(RunKey, &'a Assigned, i64)>,
    /// Each with when it is due, and the queue that it goes to.
    moves: Vec<(RunKey, Move, Option<i64>, Option<i64>)>,
    pub(super) queued: Vec<RunKey>,
    pub(super) timers: Vec<(i64, RunKey)>,
}

impl<'a> Rows<'a> {
    /// Adds what is known of a run from its start.
    pub(super) fn add_header(&mut self, run: RunKey, new: &'a NewRun, now: Timestamp) {
        if new.header.is_empty() && new.concurrency_key.is_none() {
            return;
        }
        self.headers.push((run, new));
        let limits = new.header.limits();
        self.endings
            .extend(limits.map(|(limit, cause)| (now.after(limit).as_micros(), run, cause)));
    }

    /// Adds whom a run is meant for.
    pub(super) fn add_assigned(
        &mut self,
        run: RunKey,
        assigned: Option<&'a Assigned>,
        due_at: Option<i64>,
    ) {
        let until = assigned.zip(due_at);
        self.assigned
            .extend(until.map(|(to, until)| (run, to, until)));
    }

    /// Adds a commit that is let through. `away` is the queue to which it hands its run over.
    pub(super) fn add(
        &mut self,
        commit: &'a Commit,
        verdict: Verdict,
        away: Option<i64>,
        now: Timestamp,
    ) {
        let run = commit.run;
        let checkpoints = commit.checkpoints.iter();
        self.checkpoints
            .extend(checkpoints.map(|c| (run, commit.epoch, c)));
        self.events.extend(commit.events.iter().map(|e| (run, e)));
        self.gates.extend(commit.gates.iter().map(|g| (run, g)));
        let beyond = &commit.beyond;
        let withdrawn = beyond.withdrawn.iter();
        self.withdrawn.extend(withdrawn.map(|gate| (run, &**gate)));
        self.taken
            .extend(beyond.taken.iter().map(|id| (run, &**id)));
        let ends = beyond.ends.iter();
        self.endings
            .extend(ends.map(|child| (now.as_micros(), *child, Cause::Parent)));
        self.timers
            .extend(beyond.parent.map(|parent| (now.as_micros(), parent)));
        if verdict == Verdict::Awake {
            return;
        }
        if let Some(to) = Move::of(&commit.then) {
            let due_at = to.wake_us.map(|wait| now.as_micros() + wait);
            if let Some(due_at) = due_at {
                self.timers.push((due_at, run));
            }
            if matches!(commit.then, Then::HandBack | Then::HandOver(_)) {
                self.queued.push(run);
            }
            self.moves.push((run, to, due_at, away));
        }
    }

    /// Writes everything.
    pub(super) async fn insert(
        &self,
        tx: &mut SqliteConnection,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let now = now.as_micros();
        let inputs = self.inputs.iter().map(|(run, input)| (*run, 0, input));
        let checkpoints: Vec<_> = inputs.chain(self.checkpoints.iter().copied()).collect();
        insert_checkpoints(tx, &checkpoints, now).await?;
        self.insert_events(tx, now).await?;
        self.insert_gates(tx, now).await?;
        self.change_beyond(tx, now).await?;
        for (sql, part) in MOVE.parts(&self.moves) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, to, due_at, away) in part {
                query = query
                    .bind(run.uuid())
                    .bind(to.state)
                    .bind(to.waiting.as_deref())
                    .bind(due_at)
                    .bind(to.error.as_deref())
                    .bind(away);
            }
            query.execute(&mut *tx).await?;
        }
        for (sql, part) in INSERT_ASSIGNED.parts(&self.assigned) {
            let mut query = sqlx::query(sql);
            for (run, to, until) in part {
                query = query
                    .bind(to.worker.uuid())
                    .bind(to.id)
                    .bind(run.uuid())
                    .bind(until);
            }
            query.execute(&mut *tx).await?;
        }
        for (sql, part) in INSERT_TIMERS.parts(&self.timers) {
            let mut query = sqlx::query(sql);
            for (due_at, run) in part {
                query = query.bind(due_at).bind(run.uuid());
            }
            query.execute(&mut *tx).await?;
        }
        execute_for(tx, &ENQUEUE, &self.queued).await
    }

    async fn insert_events(&self, tx: &mut SqliteConnection, now: i64) -> Result<(), sqlx::Error> {
        for (sql, part) in INSERT_EVENTS.parts(&self.events) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, event) in part {
                query = query
                    .bind(run.uuid())
                    .bind(event.id)
                    .bind(event.kind.word())
                    .bind(columns::json(&event.kind));
            }
            query.execute(&mut *tx).await?;
        }
        Ok(())
    }

    async fn insert_gates(&self, tx: &mut SqliteConnection, now: i64) -> Result<(), sqlx::Error> {
        for (sql, part) in INSERT_GATES.parts(&self.gates) {
            let mut query = sqlx::query(sql).bind(now).bind(now).bind(now);
            for (run, gate) in part {
                let decision = gate.decision.as_ref();
                query = query
                    .bind(run.uuid())
                    .bind(columns::text(&gate.name))
                    .bind(columns::text(&gate.prompt))
                    .bind(gate.context.as_ref().map(Json::as_str))
                    .bind(columns::rules(&gate.rules))
                    .bind(gate.digest())
                    .bind(gate.rules.deadline.map(columns::micros))
                    .bind(decision.map(|decision| decision.approved))
                    .bind(decision.map(|decision| columns::text(&decision.by)))
                    .bind(decision.and_then(|d| d.reason.as_deref().map(columns::text)));
            }
            query.execute(&mut *tx).await?;
        }
        Ok(())
    }

    async fn change_beyond(&self, tx: &mut SqliteConnection, now: i64) -> Result<(), sqlx::Error> {
        for (sql, part) in WITHDRAW_GATES.parts(&self.withdrawn) {
            let mut query = sqlx::query(sql).bind(now);
            for (run, gate) in part {
                query = query.bind(run.uuid()).bind(columns::text(gate));
            }
            query.execute(&mut *tx).await?;
        }
        for (sql, part) in DELETE_SIGNALS.parts(&self.taken) {
            let mut query = sqlx::query(sql);
            for (run, id) in part {
                query = query.bind(run.uuid()).bind(columns::text(id));
            }
            query.execute(&mut *tx).await?;
        }
        for (sql, part) in SET_HEADERS.parts(&self.headers) {
            let mut query = sqlx::query(sql);
            for (run, new) in part {
                query = query
                    .bind(run.uuid())
                    .bind(columns::parent(&new.header))
                    .bind(columns::header(&new.header))
                    .bind(new.concurrency_key.as_deref());
            }
            query.execute(&mut *tx).await?;
        }
        for (sql, part) in INSERT_ENDINGS.parts(&self.endings) {
            let mut query = sqlx::query(sql);
            for (due_at, run, cause) in part {
                query = query.bind(due_at).bind(run.uuid()).bind(cause.as_str());
            }
            query.execute(&mut *tx).await?;
        }
        Ok(())
    }
}

async fn insert_checkpoints(
    tx: &mut SqliteConnection,
    checkpoints: &[(RunKey, i32, &NewCheckpoint)],
    now: i64,
) -> Result<(), sqlx::Error> {
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
        query.execute(&mut *tx).await?;
    }
    Ok(())
}
