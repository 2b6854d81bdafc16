//! Decisions of people.

use async_trait::async_trait;
use uuid::Uuid;

use super::SqliteStore;
use super::journal::{STANDING, wake};
use crate::model::{Decided, Decision, EventKind, Gate, RunId, RunKey, RunState};
use crate::store::failure::Failure;
use crate::store::row::Cells;
use crate::store::{Gates, StoreResult, columns, row, sql};

#[async_trait]
impl Gates for SqliteStore {
    async fn decide(&self, run: &RunId, gate: &str, decision: &Decision) -> StoreResult<Decided> {
        let decided = self.write_decision(run.key(), gate, decision).await;
        let decided = decided.map_err(|e| self.error(e))?;
        if decided == Decided::Recorded {
            self.0.hints.tell_work();
        }
        Ok(decided)
    }

    async fn open_gates(&self, limit: u32) -> StoreResult<Vec<Gate>> {
        self.read_open_gates(limit).await.map_err(|e| self.error(e))
    }
}

impl SqliteStore {
    async fn write_decision(
        &self,
        run: RunKey,
        gate: &str,
        decision: &Decision,
    ) -> Result<Decided, Failure> {
        let mut tx = self.writer().begin().await?;
        let standing = sqlx::query(sql::GATE)
            .bind(run.uuid())
            .bind(gate)
            .fetch_optional(&mut *tx)
            .await?;
        let standing = standing.as_ref().map(row::gate).transpose()?;
        if let Some((first, _)) = standing.and_then(|gate| gate.decision) {
            tx.rollback().await?;
            return Ok(first.against(decision));
        }
        let found = sqlx::query(STANDING)
            .bind(run.uuid())
            .fetch_optional(&mut *tx)
            .await?;
        let Some(found) = found else {
            tx.rollback().await?;
            return Ok(Decided::NoRun);
        };
        let state = row::state(&found)?;
        if state.is_finished() {
            tx.rollback().await?;
            return Ok(Decided::Finished);
        }
        let now = tx.now.as_micros();
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
            wake(&mut tx, run, found.big_or_null("due_at")?).await?;
        }
        tx.commit().await?;
        Ok(Decided::Recorded)
    }

    async fn read_open_gates(&self, limit: u32) -> Result<Vec<Gate>, Failure> {
        let rows = sqlx::query(sql::OPEN_GATES)
            .bind(i64::from(limit))
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().map(row::gate).collect::<Result<_, _>>()?)
    }
}
