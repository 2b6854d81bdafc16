//! Schedules.

use async_trait::async_trait;

use super::SqliteStore;
use super::writer::now;
use crate::model::{DueSchedules, ScheduleRecord, Timestamp};
use crate::store::failure::Failure;
use crate::store::{Schedules, StoreResult, columns, row, size, sql};

#[async_trait]
impl Schedules for SqliteStore {
    async fn save_schedule(&self, record: &ScheduleRecord, over: Option<i64>) -> StoreResult<bool> {
        size::check_schedule(record)?;
        let saved = self.write_schedule(record, over).await;
        let saved = saved.map_err(|e| self.error(e))?;
        if saved && record.due_at.is_some() {
            self.0.hints.tell_work();
        }
        Ok(saved)
    }

    async fn delete_schedule(&self, name: &str) -> StoreResult<bool> {
        let deleted = self.write_no_schedule(name).await;
        deleted.map_err(|e| self.error(e))
    }

    async fn schedule(&self, name: &str) -> StoreResult<Option<ScheduleRecord>> {
        self.read_schedule(name).await.map_err(|e| self.error(e))
    }

    async fn schedules(&self) -> StoreResult<Vec<ScheduleRecord>> {
        self.read_schedules().await.map_err(|e| self.error(e))
    }

    async fn due_schedules(&self, limit: u32) -> StoreResult<DueSchedules> {
        let at = now();
        let schedules = self.read_due_schedules(at, limit).await;
        let schedules = schedules.map_err(|e| self.error(e))?;
        Ok(DueSchedules { at, schedules })
    }
}

impl SqliteStore {
    async fn write_schedule(
        &self,
        record: &ScheduleRecord,
        over: Option<i64>,
    ) -> Result<bool, sqlx::Error> {
        let mut tx = self.writer().begin().await?;
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
        let done = statement.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn write_no_schedule(&self, name: &str) -> Result<bool, sqlx::Error> {
        let mut tx = self.writer().begin().await?;
        let done = sqlx::query(sql::DELETE_SCHEDULE)
            .bind(name)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn read_schedule(&self, name: &str) -> Result<Option<ScheduleRecord>, Failure> {
        let row = sqlx::query(sql::SCHEDULE)
            .bind(name)
            .fetch_optional(self.readers())
            .await?;
        Ok(row.as_ref().map(row::schedule).transpose()?)
    }

    async fn read_schedules(&self) -> Result<Vec<ScheduleRecord>, Failure> {
        let rows = sqlx::query(sql::SCHEDULES)
            .fetch_all(self.readers())
            .await?;
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
            .fetch_all(self.readers())
            .await?;
        Ok(rows.iter().map(row::schedule).collect::<Result<_, _>>()?)
    }
}
