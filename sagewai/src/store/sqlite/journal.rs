//! Starts, commits and journals.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::bulk::Bulk;
use super::writer::now;
use crate::model::{
    Admission, Commit, Found, Journal as RunJournal, NewRun, Outcome, Position, RunId, RunKey,
    StartRules, Started, Verdict, WorkerKey,
};
use crate::store::failure::Failure;
use crate::store::row::Cells;
use crate::store::sql::{checkpoint_columns, event_columns, fence, gate_columns};
use crate::store::{Journal, StoreResult, row, settle, sql};

pub(super) const FENCE: &str = fence!("$3");

/// How runs ended, of those that have, by their keys.
pub(super) static OUTPUTS: Bulk = Bulk::new(
    "SELECT run_key, outcome, payload FROM checkpoints WHERE position = '$output' AND run_key IN (VALUES ",
    1,
    ")",
);

// What several runs have left, by their keys.
pub(super) static CHECKPOINTS: Bulk = Bulk::new(
    concat!(
        "SELECT run_key, ",
        checkpoint_columns!(),
        " FROM checkpoints WHERE run_key IN (VALUES "
    ),
    1,
    ") ORDER BY run_key, ordinal, position",
);
pub(super) static EVENTS: Bulk = Bulk::new(
    concat!(
        "SELECT run_key, ",
        event_columns!(),
        " FROM events WHERE run_key IN (VALUES "
    ),
    1,
    ") ORDER BY run_key, at, id",
);
pub(super) static GATES: Bulk = Bulk::new(
    concat!(
        "SELECT g.run_key, ",
        gate_columns!(),
        " FROM gates g JOIN runs r ON r.run_key = g.run_key WHERE g.run_key IN (VALUES "
    ),
    1,
    ") ORDER BY g.run_key, g.name",
);

#[async_trait]
impl Journal for SqliteStore {
    async fn start(&self, run: NewRun) -> StoreResult<Started> {
        settle::start(&self.0.group, self, &self.0.label, run).await
    }

    async fn admit(&self, run: NewRun, rules: &StartRules) -> StoreResult<Admission> {
        SqliteStore::admit(self, run, rules).await
    }

    async fn commit(&self, commit: Commit) -> StoreResult<Verdict> {
        settle::commit(&self.0.group, self, &self.0.label, commit).await
    }

    async fn journal(&self, run: &RunId) -> StoreResult<Option<RunJournal>> {
        self.read_journal(run.key())
            .await
            .map_err(|e| self.error(e))
    }

    async fn output(&self, run: &RunId) -> StoreResult<Option<Outcome>> {
        let look = |runs| self.read_outputs(runs);
        let found = self.0.outputs.of(run.key(), look).await;
        found.map_err(|e| self.error(e))
    }
}

impl SqliteStore {
    async fn read_outputs(&self, runs: Vec<RunKey>) -> Result<HashMap<RunKey, Outcome>, Failure> {
        let mut outcomes = HashMap::new();
        for (sql, part) in OUTPUTS.parts(&runs) {
            let mut query = sqlx::query(sql);
            for run in part {
                query = query.bind(run.uuid());
            }
            for row in query.fetch_all(self.readers()).await? {
                outcomes.insert(RunKey::from_uuid(row.uuid("run_key")?), row::outcome(&row)?);
            }
        }
        Ok(outcomes)
    }

    async fn read_journal(&self, run: RunKey) -> Result<Option<RunJournal>, Failure> {
        // One transaction, so that the three reads see the same moment.
        let mut tx = self.readers().begin().await?;
        let checkpoints = read_of(&mut tx, sql::CHECKPOINTS, run).await?;
        let events = read_of(&mut tx, sql::EVENTS, run).await?;
        let gates = read_of(&mut tx, sql::GATES, run).await?;
        tx.commit().await?;
        if checkpoints.is_empty() {
            // A run is never without its input.
            return Ok(None);
        }
        Ok(Some(RunJournal {
            checkpoints: checkpoints
                .iter()
                .map(row::checkpoint)
                .collect::<Result<_, _>>()?,
            events: events.iter().map(row::event).collect::<Result<_, _>>()?,
            gates: gates.iter().map(row::gate).collect::<Result<_, _>>()?,
        }))
    }

    async fn read_found(&self, commit: &Commit) -> Result<Option<(Found, bool)>, Failure> {
        let run = commit.run.uuid();
        let mut tx = self.readers().begin().await?;
        let fence = sqlx::query(FENCE)
            .bind(run)
            .bind(commit.worker.uuid())
            .bind(now().as_micros())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(fence) = fence else {
            return Ok(None);
        };
        let positions: Vec<String> = sqlx::query_scalar(sql::POSITIONS_OF_EPOCH)
            .bind(run)
            .bind(commit.epoch)
            .fetch_all(&mut *tx)
            .await?;
        let events = sqlx::query_scalar(sql::EVENT_IDS)
            .bind(run)
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        let found = Found {
            state: row::state(&fence)?,
            epoch: fence.int("epoch")?,
            worker: fence.uuid_or_null("worker")?.map(WorkerKey::from_uuid),
            wakes: fence.int("wakes")?,
            positions: positions.into_iter().map(Position::from).collect(),
            events,
        };
        Ok(Some((found, fence.big("leases")? > 0)))
    }
}

impl settle::Look for SqliteStore {
    async fn found(&self, commit: &Commit) -> StoreResult<Option<(Found, bool)>> {
        self.read_found(commit).await.map_err(|e| self.error(e))
    }

    async fn started_for(&self, run: RunKey) -> StoreResult<Option<(String, String)>> {
        sqlx::query_as(sql::STARTED_FOR)
            .bind(run.uuid())
            .fetch_optional(self.readers())
            .await
            .map_err(|e| self.error(e))
    }
}

/// What these runs have left; a run that has left nothing is missing.
pub(super) async fn journals(
    connection: &mut SqliteConnection,
    runs: &[RunKey],
) -> Result<HashMap<RunKey, RunJournal>, Failure> {
    let run_of = |row: &SqliteRow| row.uuid("run_key").map(RunKey::from_uuid);
    let mut journals: HashMap<RunKey, RunJournal> = HashMap::with_capacity(runs.len());
    for row in rows_of(connection, &CHECKPOINTS, runs).await? {
        let journal = journals.entry(run_of(&row)?).or_default();
        journal.checkpoints.push(row::checkpoint(&row)?);
    }
    for row in rows_of(connection, &EVENTS, runs).await? {
        let journal = journals.entry(run_of(&row)?).or_default();
        journal.events.push(row::event(&row)?);
    }
    for row in rows_of(connection, &GATES, runs).await? {
        let journal = journals.entry(run_of(&row)?).or_default();
        journal.gates.push(row::gate(&row)?);
    }
    Ok(journals)
}

/// What a statement that takes one key gives.
async fn read_of(
    connection: &mut SqliteConnection,
    sql: &'static str,
    run: RunKey,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(sql)
        .bind(run.uuid())
        .fetch_all(connection)
        .await
}

/// What a statement that takes keys gives for these runs.
pub(super) async fn rows_of(
    connection: &mut SqliteConnection,
    statement: &'static Bulk,
    runs: &[RunKey],
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let mut rows = Vec::new();
    for (sql, part) in statement.parts(runs) {
        let mut query = sqlx::query(sql);
        for run in part {
            query = query.bind(run.uuid());
        }
        rows.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(rows)
}
