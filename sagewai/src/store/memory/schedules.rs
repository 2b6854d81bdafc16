//! Schedules.

use async_trait::async_trait;

use super::InMemoryStore;
use crate::model::{DueSchedules, ScheduleRecord};
use crate::store::{Schedules, StoreResult, size};

#[async_trait]
impl Schedules for InMemoryStore {
    async fn save_schedule(&self, record: &ScheduleRecord, over: Option<i64>) -> StoreResult<bool> {
        size::check_schedule(record)?;
        {
            let mut tables = self.lock();
            let there = tables.schedules.get(&record.name).map(|r| r.revision);
            if there != over {
                return Ok(false);
            }
            let (name, record) = (record.name.clone(), record.clone());
            tables.schedules.insert(name, record);
        }
        if record.due_at.is_some() {
            self.hints.tell_work();
        }
        Ok(true)
    }

    async fn delete_schedule(&self, name: &str) -> StoreResult<bool> {
        Ok(self.lock().schedules.remove(name).is_some())
    }

    async fn schedule(&self, name: &str) -> StoreResult<Option<ScheduleRecord>> {
        Ok(self.lock().schedules.get(name).cloned())
    }

    async fn schedules(&self) -> StoreResult<Vec<ScheduleRecord>> {
        Ok(self.lock().schedules.values().cloned().collect())
    }

    async fn due_schedules(&self, limit: u32) -> StoreResult<DueSchedules> {
        let mut tables = self.lock();
        let at = tables.clock.now();
        let is_due = |r: &&ScheduleRecord| r.due_at.is_some_and(|due| due <= at);
        let mut schedules: Vec<ScheduleRecord> =
            tables.schedules.values().filter(is_due).cloned().collect();
        schedules.sort_by(|a, b| (a.due_at, &a.name).cmp(&(b.due_at, &b.name)));
        schedules.truncate(limit as usize);
        Ok(DueSchedules { at, schedules })
    }
}
