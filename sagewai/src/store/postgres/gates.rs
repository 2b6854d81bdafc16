//! Decisions of people.

use async_trait::async_trait;
use uuid::Uuid;

use super::PostgresStore;
use super::journal::{LOCK_RUN, wake};
use crate::model::{Decided, Decision, EventKind, Gate, RunId, RunKey, RunState};
use crate::store::failure::Failure;
use crate::store::row::Cells;
use crate::store::{Gates, StoreResult, columns, row, sql};

#[async_trait]
impl Gates for PostgresStore {
    async fn decide(&self, run: &RunId, gate: &str, decision: &Decision) -> StoreResult<Decided> {
        let key = run.key();
        let decided = self.through_clashes(|| self.decide_once(key, gate, decision));
        let decided = decided.await?;
        if decided == Decided::Recorded {
            self.tell_work();
        }
        Ok(decided)
    }

    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>> {
        self.read_open_gates(limit).await.map_err(|e| self.error(e))
    }
}

impl PostgresStore {
    async fn decide_once(
        &self,
        run: RunKey,
        gate: &str,
        decision: &Decision,
    ) -> Result<Decided, Failure> {
        let mut tx = self.pool().begin().await?;
        let locked = sqlx::query(LOCK_RUN)
            .bind(run.uuid())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(locked) = locked else {
            return Ok(Decided::NoRun);
        };
        let (state, now) = (row::state(&locked)?, locked.big("now")?);
        let standing = sqlx::query(sql::GATE)
            .bind(run.uuid())
            .bind(gate)
            .fetch_optional(&mut *tx)
            .await?;
        let standing = standing.as_ref().map(row::gate).transpose()?;
        if let Some((first, _)) = standing.and_then(|gate| gate.decision) {
            return Ok(first.against(decision));
        }
        if state.is_finished() {
            return Ok(Decided::Finished);
        }
        sqlx::query(sql::DECIDE)
            .bind(run.uuid())
            .bind(gate)
            .bind(decision.approved)
            .bind(columns::text(&decision.by))
            .bind(decision.reason.as_deref().map(columns::text))
            .bind(now)
            .execute(&mut *tx)
            .await?;
        let event = EventKind::Decided {
            gate: gate.to_owned(),
            approved: decision.approved,
            by: decision.by.clone(),
            reason: decision.reason.clone(),
        };
        sqlx::query(sql::INSERT_EVENT)
            .bind(run.uuid())
            .bind(Uuid::now_v7())
            .bind(now)
            .bind(event.word())
            .bind(columns::json(&event))
            .execute(&mut *tx)
            .await?;
        sqlx::query(sql::RAISE_WAKES)
            .bind(run.uuid())
            .execute(&mut *tx)
            .await?;
        if state == RunState::Waiting {
            wake(&mut tx, run, locked.big_or_null("due_at")?).await?;
        }
        tx.commit().await?;
        Ok(Decided::Recorded)
    }

    async fn read_open_gates(&self, limit: u32) -> Result<Vec<Gate>, Failure> {
        let rows = sqlx::query(sql::OPEN_GATES)
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(rows.iter().map(row::gate).collect::<Result<_, _>>()?)
    }
}
