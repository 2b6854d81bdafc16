//! Starts under rules, in a transaction of ours or of a caller.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::outside::{LOCK_PLACE, LOCK_RUN};
use super::{PostgresStore, arrays, queues, schema};
use crate::model::{
    Admission, Debounced, NewRun, Run, RunKey, StartRules, Started, Timestamp, digest,
    has_not_begun,
};
use crate::store::admission::{self, admit};
use crate::store::admission_sql::entry_by_sql;
use crate::store::failure::Failure;
use crate::store::group_commit::Batch;
use crate::store::row::{self, Cells};
use crate::store::{StoreResult, columns, sql};

/// Forgets keys whose runs have begun, a few with each start. `$1` now. Those that somebody is just using stay.
pub(super) const FORGET_KEYS: &str = "DELETE FROM debounces d
     WHERE d.ctid = ANY (ARRAY(
         SELECT o.ctid FROM debounces o WHERE o.until < $1 ORDER BY o.until LIMIT 8 FOR UPDATE SKIP LOCKED
     )) AND NOT EXISTS (
         SELECT FROM runs r WHERE r.run_key = d.run_key AND r.state = 'pending' AND r.epoch = 0)";

impl PostgresStore {
    /// Starts a run under rules.
    pub(super) async fn admit(&self, new: NewRun, rules: &StartRules) -> StoreResult<Admission> {
        admission::check(&new)?;
        // Those that wait for each other do so here, and not on connections that others need.
        let turn = self.0.admissions.acquire().await;
        let admitted = self.through_clashes(|| self.admit_once(&new, rules)).await;
        drop(turn);
        let admitted = admitted?;
        if admission::is_written(&admitted) {
            self.tell_work();
        }
        Ok(admitted)
    }

    async fn admit_once(&self, new: &NewRun, rules: &StartRules) -> Result<Admission, Failure> {
        let mut tx = self.pool().begin().await?;
        let mut entry = PostgresEntry::ours(&mut tx);
        let admitted = admit(&mut entry, new.clone(), rules).await?;
        if !admission::is_written(&admitted) {
            tx.rollback().await?;
            return Ok(admitted);
        }
        if rules.debounce.is_some() {
            let now = entry.clock().await?;
            sqlx::query(FORGET_KEYS)
                .bind(now.as_micros())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(admitted)
    }
}

/// A transaction on a connection whose search path leads to our tables.
pub(super) struct PostgresEntry<'a> {
    connection: &'a mut PgConnection,
    keep: bool,
}

impl<'a> PostgresEntry<'a> {
    /// On a connection of ours.
    pub(super) fn ours(connection: &'a mut PgConnection) -> PostgresEntry<'a> {
        PostgresEntry {
            connection,
            keep: true,
        }
    }

    /// On a connection of somebody else, on which no statement of ours stays prepared.
    pub(super) fn of_a_caller(connection: &'a mut PgConnection) -> PostgresEntry<'a> {
        PostgresEntry {
            connection,
            keep: false,
        }
    }

    fn connection(&mut self) -> &mut PgConnection {
        self.connection
    }

    fn keep(&self) -> bool {
        self.keep
    }

    async fn clock(&mut self) -> Result<Timestamp, Failure> {
        let now = sqlx::query_scalar(schema::CLOCK)
            .persistent(self.keep)
            .fetch_one(self.connection())
            .await?;
        Ok(Timestamp::from_micros(now))
    }

    async fn queue_id(&mut self, new: &NewRun) -> Result<i32, Failure> {
        Ok(queues::id_in(self.connection, &columns::home(new), self.keep).await?)
    }

    async fn lock(&mut self, run: RunKey) -> Result<Option<Run>, Failure> {
        // Claims lock the place in the queue first, and then the run; so do we.
        let place = sqlx::query(LOCK_PLACE)
            .bind(run.uuid())
            .persistent(self.keep)
            .fetch_optional(self.connection())
            .await?;
        let locked = sqlx::query(LOCK_RUN)
            .bind(run.uuid())
            .persistent(self.keep)
            .fetch_optional(self.connection())
            .await?;
        let run = locked.as_ref().map(row::run).transpose()?;
        let Some(run) = run.filter(|run| has_not_begun(run.state, run.epoch)) else {
            return Ok(None);
        };
        if run.due_at.is_none() && place.is_none() {
            // It came into the queue between the two; a claim may hold its place and wait for the run.
            return Err(Failure::clash());
        }
        Ok(Some(run))
    }

    async fn insert(&mut self, new: &NewRun) -> Result<bool, Failure> {
        let queue = self.queue_id(new).await?;
        let batch = Batch {
            starts: vec![new.clone().into()],
            commits: Vec::new(),
        };
        let row = arrays::statement(&batch, vec![queue], &HashMap::new())
            .persistent(self.keep)
            .fetch_one(self.connection())
            .await?;
        let created: Option<Vec<Uuid>> = row.try_get("created")?;
        Ok(created.is_some())
    }
}

entry_by_sql!(PostgresEntry<'_>);
