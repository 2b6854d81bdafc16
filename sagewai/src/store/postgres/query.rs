//! What people ask.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::PostgresStore;
use crate::model::{
    History, Run, RunFilter, RunId, RunKey, RunState, WorkerKey, WorkerRecord, micros,
};
use crate::store::failure::Failure;
use crate::store::{Query, Schema, StoreResult, row, sql};

/// Wake counters of runs that a worker drives. `$1` the worker, `$2` the runs.
pub(super) const WAKES: &str =
    "SELECT run_key, wakes FROM runs WHERE run_key = ANY($2) AND worker = $1 AND state = 'running'";

#[async_trait]
impl Query for PostgresStore {
    async fn run(&self, run: &RunId) -> StoreResult<Option<Run>> {
        self.read_run(run.key()).await.map_err(|e| self.error(e))
    }

    async fn history(&self, run: &RunId) -> StoreResult<Option<History>> {
        self.read_history(run.key())
            .await
            .map_err(|e| self.error(e))
    }

    async fn runs(&self, filter: &RunFilter) -> StoreResult<Vec<Run>> {
        self.read_runs(filter).await.map_err(|e| self.error(e))
    }

    async fn counts(&self) -> StoreResult<Vec<(RunState, u64)>> {
        self.read_counts().await.map_err(|e| self.error(e))
    }

    async fn wakes(&self, worker: WorkerKey, runs: &[RunKey]) -> StoreResult<Vec<(RunKey, i32)>> {
        let keys: Vec<Uuid> = runs.iter().map(|run| run.uuid()).collect();
        let wakes: Vec<(Uuid, i32)> = sqlx::query_as(WAKES)
            .bind(worker.uuid())
            .bind(keys)
            .fetch_all(self.pool())
            .await
            .map_err(|e| self.error(e))?;
        let wakes = wakes.into_iter().map(|(k, n)| (RunKey::from_uuid(k), n));
        Ok(wakes.collect())
    }

    async fn workers(&self, since: Duration) -> StoreResult<Vec<WorkerRecord>> {
        let now = self.now().await?.as_micros();
        self.read_workers(now.saturating_sub(micros(since)))
            .await
            .map_err(|e| self.error(e))
    }
}

impl PostgresStore {
    pub(super) async fn read_run(&self, run: RunKey) -> Result<Option<Run>, Failure> {
        let row = sqlx::query(sql::RUN)
            .bind(run.uuid())
            .fetch_optional(self.pool())
            .await?;
        Ok(row.as_ref().map(row::run).transpose()?)
    }

    /// The run is read first: what is newer than it is left out by whoever puts the timeline together.
    async fn read_history(&self, key: RunKey) -> Result<Option<History>, Failure> {
        let Some(run) = self.read_run(key).await? else {
            return Ok(None);
        };
        let of_run = |sql| sqlx::query(sql).bind(key.uuid()).fetch_all(self.pool());
        let done = of_run(sql::DONE).await?;
        let events = of_run(sql::EVENTS).await?;
        Ok(Some(History {
            run,
            done: done.iter().map(row::done).collect::<Result<_, _>>()?,
            events: events.iter().map(row::event).collect::<Result<_, _>>()?,
        }))
    }

    async fn read_runs(&self, filter: &RunFilter) -> Result<Vec<Run>, Failure> {
        let rows = sqlx::query(sql::RUNS)
            .bind(filter.state.map(RunState::as_str))
            .bind(filter.workflow.as_deref())
            .bind(filter.before.as_ref().map(|run| run.key().uuid()))
            .bind(i64::from(filter.limit))
            .fetch_all(self.pool())
            .await?;
        Ok(rows.iter().map(row::run).collect::<Result<_, _>>()?)
    }

    async fn read_counts(&self) -> Result<Vec<(RunState, u64)>, Failure> {
        let rows = sqlx::query(sql::COUNTS).fetch_all(self.pool()).await?;
        Ok(rows
            .iter()
            .map(row::count_of_state)
            .collect::<Result<_, _>>()?)
    }

    async fn read_workers(&self, gone_after: i64) -> Result<Vec<WorkerRecord>, Failure> {
        let rows = sqlx::query(sql::WORKERS)
            .bind(gone_after)
            .fetch_all(self.pool())
            .await?;
        Ok(rows.iter().map(row::worker).collect::<Result<_, _>>()?)
    }
}
