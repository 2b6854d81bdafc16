//! There are no tables to create: the maps are there with the store.

use async_trait::async_trait;

use super::InMemoryStore;
use crate::model::Timestamp;
use crate::store::{Hints, Schema, StoreResult};

#[async_trait]
impl Schema for InMemoryStore {
    async fn initialize(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn check(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        Ok(self.lock().clock.now())
    }

    fn hints(&self) -> &Hints {
        &self.hints
    }
}
