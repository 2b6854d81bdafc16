//! What comes to runs from outside.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::SqliteStore;
use super::writer::Writing;
use crate::model::{
    Act, Answer, Cause, Checkpoint, Gate, Messages, NewCheckpoint, NewEvent, Position, Run, RunId,
    RunKey, Signal, Timestamp,
};
use crate::store::failure::Failure;
use crate::store::held_sql::{held_by_sql, read_by_sql};
use crate::store::outside::{self, Acted};
use crate::store::row::Cells;
use crate::store::{Outside, StoreResult, columns, row, size, sql};

#[async_trait]
impl Outside for SqliteStore {
    async fn act(&self, run: &RunId, act: &Act) -> StoreResult<Answer> {
        size::check_act(act)?;
        let acted = self.write_act(run.key(), act).await;
        let acted = acted.map_err(|e| self.error(e))?;
        Ok(acted.answer)
    }

    async fn messages(&self, run: &RunId) -> StoreResult<Option<Messages>> {
        let read = async {
            let mut tx = self.readers().begin().await?;
            let messages = read_messages(&mut tx, run.key()).await?;
            tx.commit().await?;
            Ok(messages)
        };
        read.await.map_err(|e: Failure| self.error(e))
    }

    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>> {
        let read = async {
            let mut connection = self.readers().acquire().await?;
            read_open_gates(&mut connection, limit).await
        };
        read.await.map_err(|e| self.error(e))
    }
}

impl SqliteStore {
    /// Does it, and tells this process; others see that the file has changed.
    pub(super) async fn write_act(&self, run: RunKey, act: &Act) -> Result<Acted, Failure> {
        let mut tx = self.writer().begin().await?;
        let acted = outside::act(&mut SqliteHeld(&mut tx), run, act).await?;
        if acted.changed {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        acted.tell(run, &self.0.hints);
        Ok(acted)
    }
}

/// A transaction that holds the lock on the whole file.
struct SqliteHeld<'a, 'w>(&'a mut Writing<'w>);

impl SqliteHeld<'_, '_> {
    fn connection(&mut self) -> &mut SqliteConnection {
        self.0
    }

    async fn lock_run(&mut self, run: RunKey) -> Result<Option<(Run, Timestamp)>, Failure> {
        let found = sqlx::query(sql::RUN)
            .bind(run.uuid())
            .fetch_optional(self.connection())
            .await?;
        let run = found.as_ref().map(row::run).transpose()?;
        Ok(run.map(|run| (run, self.0.now)))
    }
}

held_by_sql!(SqliteHeld<'_, '_>);
read_by_sql!(SqliteConnection);
