//! Starts, commits and journals.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStore;
use crate::model::{
    Admission, Commit, Found, Journal as RunJournal, NewRun, Outcome, Position, RunId, RunKey,
    StartRules, Started, Verdict, WorkerKey,
};
use crate::store::failure::Failure;
use crate::store::row::Cells;
use crate::store::sql::{checkpoint_columns, event_columns, fence, gate_columns};
use crate::store::{Journal, StoreResult, row, settle, sql};

pub(super) const FENCE: &str = fence!("now_us()");

/// How runs ended, of those that have. `$1` their keys.
pub(super) const OUTPUTS: &str = "SELECT run_key, outcome, payload FROM checkpoints WHERE run_key = ANY($1) AND position = '$output'";

// What several runs have left. `$1` their keys.
pub(super) const CHECKPOINTS_OF_MANY: &str = concat!(
    "SELECT run_key, ",
    checkpoint_columns!(),
    " FROM checkpoints WHERE run_key = ANY($1) ORDER BY run_key, ordinal, position"
);
pub(super) const EVENTS_OF_MANY: &str = concat!(
    "SELECT run_key, ",
    event_columns!(),
    " FROM events WHERE run_key = ANY($1) ORDER BY run_key, at, id"
);
pub(super) const GATES_OF_MANY: &str = concat!(
    "SELECT g.run_key, ",
    gate_columns!(),
    " FROM gates g JOIN runs r ON r.run_key = g.run_key WHERE g.run_key = ANY($1) ORDER BY g.run_key, g.name"
);

#[async_trait]
impl Journal for PostgresStore {
    async fn start(&self, run: NewRun) -> StoreResult<Started> {
        settle::start(&self.0.group, self, self.label(), run).await
    }

    async fn admit(&self, run: NewRun, rules: &StartRules) -> StoreResult<Admission> {
        PostgresStore::admit(self, run, rules).await
    }

    async fn commit(&self, commit: Commit) -> StoreResult<Verdict> {
        settle::commit(&self.0.group, self, self.label(), commit).await
    }

    async fn journal(&self, run: &RunId) -> StoreResult<Option<RunJournal>> {
        let journal = self.read_journal(run.key()).await;
        let journal = journal.map_err(|e| self.error(e))?;
        // A run is never without its input.
        Ok(Some(journal).filter(|journal| !journal.checkpoints.is_empty()))
    }

    async fn output(&self, run: &RunId) -> StoreResult<Option<Outcome>> {
        let look = |runs| self.read_outputs(runs);
        let found = self.0.outputs.of(run.key(), look).await;
        found.map_err(|e| self.error(e))
    }
}

impl PostgresStore {
    async fn read_outputs(&self, runs: Vec<RunKey>) -> Result<HashMap<RunKey, Outcome>, Failure> {
        let keys: Vec<Uuid> = runs.iter().map(|run| run.uuid()).collect();
        let mut outcomes = HashMap::new();
        for row in self.read_all(OUTPUTS, &keys).await? {
            outcomes.insert(RunKey::from_uuid(row.uuid("run_key")?), row::outcome(&row)?);
        }
        Ok(outcomes)
    }

    async fn read_journal(&self, run: RunKey) -> Result<RunJournal, Failure> {
        let checkpoints = self.read_of(sql::CHECKPOINTS, run).await?;
        let events = self.read_of(sql::EVENTS, run).await?;
        let gates = self.read_of(sql::GATES, run).await?;
        Ok(RunJournal {
            checkpoints: checkpoints
                .iter()
                .map(row::checkpoint)
                .collect::<Result<_, _>>()?,
            events: events.iter().map(row::event).collect::<Result<_, _>>()?,
            gates: gates.iter().map(row::gate).collect::<Result<_, _>>()?,
        })
    }

    async fn read_of(&self, sql: &'static str, run: RunKey) -> Result<Vec<PgRow>, sqlx::Error> {
        let rows = sqlx::query(sql).bind(run.uuid());
        rows.fetch_all(self.pool()).await
    }

    /// What these runs have left; a run that has left nothing is missing.
    pub(super) async fn read_journals(
        &self,
        runs: &[RunKey],
    ) -> Result<HashMap<RunKey, RunJournal>, Failure> {
        let keys: Vec<Uuid> = runs.iter().map(|run| run.uuid()).collect();
        let run_of = |row: &PgRow| row.uuid("run_key").map(RunKey::from_uuid);
        let mut journals: HashMap<RunKey, RunJournal> = HashMap::with_capacity(runs.len());
        for row in self.read_all(CHECKPOINTS_OF_MANY, &keys).await? {
            let journal = journals.entry(run_of(&row)?).or_default();
            journal.checkpoints.push(row::checkpoint(&row)?);
        }
        for row in self.read_all(EVENTS_OF_MANY, &keys).await? {
            let journal = journals.entry(run_of(&row)?).or_default();
            journal.events.push(row::event(&row)?);
        }
        for row in self.read_all(GATES_OF_MANY, &keys).await? {
            let journal = journals.entry(run_of(&row)?).or_default();
            journal.gates.push(row::gate(&row)?);
        }
        Ok(journals)
    }

    async fn read_all(&self, sql: &'static str, keys: &[Uuid]) -> Result<Vec<PgRow>, sqlx::Error> {
        sqlx::query(sql).bind(keys).fetch_all(self.pool()).await
    }
}

impl settle::Look for PostgresStore {
    async fn found(&self, commit: &Commit) -> StoreResult<Option<(Found, bool)>> {
        self.read_found(commit).await.map_err(|e| self.error(e))
    }

    async fn started_for(&self, run: RunKey) -> StoreResult<Option<(String, String)>> {
        sqlx::query_as(sql::STARTED_FOR)
            .bind(run.uuid())
            .fetch_optional(self.pool())
            .await
            .map_err(|e| self.error(e))
    }
}

impl PostgresStore {
    async fn read_found(&self, commit: &Commit) -> Result<Option<(Found, bool)>, Failure> {
        let run = commit.run.uuid();
        // The fence is read first: where it lets the commit through and its rows are not there by the time they are
        // looked for, writing it again is right; where another try of it gets in between, its keys stop the second.
        let fence = sqlx::query(FENCE)
            .bind(run)
            .bind(commit.worker.uuid())
            .fetch_optional(self.pool())
            .await?;
        let Some(fence) = fence else {
            return Ok(None);
        };
        let positions: Vec<String> = sqlx::query_scalar(sql::POSITIONS_OF_EPOCH)
            .bind(run)
            .bind(commit.epoch)
            .fetch_all(self.pool())
            .await?;
        let events = sqlx::query_scalar(sql::EVENT_IDS)
            .bind(run)
            .fetch_all(self.pool())
            .await?;
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
