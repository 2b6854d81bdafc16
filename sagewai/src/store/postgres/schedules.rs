//! Schedules.

use async_trait::async_trait;

use super::PostgresStore;
use crate::model::{DueSchedules, ScheduleRecord, Timestamp};
use crate::store::failure::Failure;
use crate::store::{Schedules, Schema, StoreResult, columns, row, size, sql};

#[async_trait]
impl Schedules for PostgresStore {
    async fn save_schedule(&self, record: &ScheduleRecord, over: Option<i64>) -> StoreResult<bool> {
        size::check_schedule(record)?;
        let saved = self.write_schedule(record, over).await;
        let saved = saved.map_err(|e| self.error(e))?;
        if saved && record.due_at.is_some() {
            self.tell_work();
        }
        Ok(saved)
    }

    async fn delete_schedule(&self, name: &str) -> StoreResult<bool> {
        let deleted = sqlx::query(sql::DELETE_SCHEDULE)
            .bind(name)
            .execute(self.pool())
            .await
            .map_err(|e| self.error(e))?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn schedule(&self, name: &str) -> StoreResult<Option<ScheduleRecord>> {
        self.read_schedule(name).await.map_err(|e| self.error(e))
    }

    async fn schedules(&self) -> StoreResult<Vec<ScheduleRecord>> {
        self.read_schedules().await.map_err(|e| self.error(e))
    }

    async fn due_schedules(&self, limit: u32) -> StoreResult<DueSchedules> {
        let at = self.now().await?;
        let schedules = self.read_due_schedules(at, limit).await;
        let schedules = schedules.map_err(|e| self.error(e))?;
        Ok(DueSchedules { at, schedules })
    }
}

impl PostgresStore {
    async fn write_schedule(
        &self,
        record: &ScheduleRecord,
        over: Option<i64>,
    ) -> Result<bool, sqlx::Error> {
        let statement = match over {
            None => sqlx::query(sql::CREATE_SCHEDULE),
            Some(_) => sqlx::query(sql::CHANGE_SCHEDULE),
        };
        let mut statement = statement
            .bind(&record.name)
            .bind(record.revision)
            .bind(record.due_at.map(Timestamp::as_micros))
            .bind(columns::json(&record.definition))
            .bind(columns::json(&record.progress));
        if let Some(over) = over {
            statement = statement.bind(over);
        }
        let done = statement.execute(self.pool()).await?;
        Ok(done.rows_affected() > 0)
    }

    async fn read_schedule(&self, name: &str) -> Result<Option<ScheduleRecord>, Failure> {
        let row = sqlx::query(sql::SCHEDULE)
            .bind(name)
            .fetch_optional(self.pool())
            .await?;
        Ok(row.as_ref().map(row::schedule).transpose()?)
    }

    async fn read_schedules(&self) -> Result<Vec<ScheduleRecord>, Failure> {
        let rows = sqlx::query(sql::SCHEDULES).fetch_all(self.pool()).await?;
        Ok(rows.iter().map(row::schedule).collect::<Result<_, _>>()?)
    }

    async fn read_due_schedules(
        &self,
        at: Timestamp,
        limit: u32,
    ) -> Result<Vec<ScheduleRecord>, Failure> {
        let rows = sqlx::query(sql::DUE_SCHEDULES)
            .bind(at.as_micros())
            .bind(i64::from(limit))
            .fetch_all(self.pool())
            .await?;
        Ok(rows.iter().map(row::schedule).collect::<Result<_, _>>()?)
    }
}
