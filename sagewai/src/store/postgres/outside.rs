//! What comes to runs from outside.

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

use super::PostgresStore;
use crate::model::{
    Act, Answer, Cause, Checkpoint, Gate, Messages, NewCheckpoint, NewEvent, Position, Run, RunId,
    RunKey, Signal, Timestamp,
};
use crate::store::failure::Failure;
use crate::store::held_sql::{held_by_sql, read_by_sql};
use crate::store::outside::{self, Acted};
use crate::store::row::Cells;
use crate::store::sql::{place, run_columns};
use crate::store::{Outside, StoreResult, columns, row, size, sql};

/// Locks a run against commits, claims and other people. `$1` its key.
pub(super) const LOCK_RUN: &str = concat!(
    "SELECT ",
    run_columns!(),
    ", now_us() AS now FROM runs r JOIN queues q ON q.queue_id = r.queue_id WHERE r.run_key = $1 FOR UPDATE OF r"
);

/// Locks a run's place in the queue, if it has one. `$1` its key.
pub(super) const LOCK_PLACE: &str = concat!(
    "SELECT q.run_key FROM runs r JOIN queue q ON (q.queue_id, q.lane, q.fresh, q.since, q.run_key) = (",
    place!("r."),
    ") WHERE r.run_key = $1 FOR UPDATE OF q"
);

#[async_trait]
impl Outside for PostgresStore {
    async fn act(&self, run: &RunId, act: &Act) -> StoreResult<Answer> {
        size::check_act(act)?;
        Ok(self.do_act(run.key(), act).await?.answer)
    }

    async fn messages(&self, run: &RunId) -> StoreResult<Option<Messages>> {
        let read = async {
            let mut connection = self.pool().acquire().await?;
            read_messages(&mut connection, run.key()).await
        };
        read.await.map_err(|e| self.error(e))
    }

    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>> {
        let read = async {
            let mut connection = self.pool().acquire().await?;
            read_open_gates(&mut connection, limit).await
        };
        read.await.map_err(|e| self.error(e))
    }
}

impl PostgresStore {
    /// Does it, and tells everybody.
    pub(super) async fn do_act(&self, run: RunKey, act: &Act) -> StoreResult<Acted> {
        let acted = self.through_clashes(|| self.act_once(run, act)).await?;
        if acted.is_news() {
            acted.tell(run, &self.0.hints);
            self.0.announcer.work();
            self.0.announcer.runs();
        }
        Ok(acted)
    }

    async fn act_once(&self, run: RunKey, act: &Act) -> Result<Acted, Failure> {
        let mut tx = self.pool().begin().await?;
        if matches!(act, Act::Cancel { .. } | Act::Pause { .. } | Act::End(_)) {
            // These may take it out of the queue. Claims lock there first, and then runs; so do we.
            sqlx::query(LOCK_PLACE)
                .bind(run.uuid())
                .fetch_optional(&mut *tx)
                .await?;
        }
        let acted = outside::act(&mut PostgresHeld(&mut tx), run, act).await?;
        if acted.changed {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(acted)
    }
}

/// A transaction that may hold the row of a run.
struct PostgresHeld<'a>(&'a mut PgConnection);

impl PostgresHeld<'_> {
    fn connection(&mut self) -> &mut PgConnection {
        self.0
    }

    async fn lock_run(&mut self, run: RunKey) -> Result<Option<(Run, Timestamp)>, Failure> {
        let locked = sqlx::query(LOCK_RUN)
            .bind(run.uuid())
            .fetch_optional(self.connection())
            .await?;
        let Some(locked) = locked else {
            return Ok(None);
        };
        let now = Timestamp::from_micros(locked.big("now")?);
        Ok(Some((row::run(&locked)?, now)))
    }
}

held_by_sql!(PostgresHeld<'_>);
read_by_sql!(PgConnection);
