//! Distinct combinations of workflow, version, pool and labels: rows that are written once and read from memory after that.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sqlx::PgConnection;

use crate::store::columns::QueueColumns;

pub(super) const FIND: &str = "SELECT queue_id FROM queues WHERE workflow = $1 AND version = $2 AND pool = $3 AND labels = $4::jsonb";
pub(super) const ADD: &str = "INSERT INTO queues (workflow, version, pool, labels) VALUES ($1, $2, $3, $4::jsonb) ON CONFLICT DO NOTHING";

/// Past so many combinations the memory begins anew, so that a program that makes them up does not fill it.
const REMEMBERED_MAX: usize = 10_000;

/// The ids that this process has met.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<HashMap<QueueColumns, i32>>);

impl Queues {
    /// The id of a queue. A queue that is new is there when this returns, whatever becomes of its run.
    pub(super) async fn id(
        &self,
        connection: &mut PgConnection,
        name: QueueColumns,
    ) -> Result<i32, sqlx::Error> {
        if let Some(id) = self.known().get(&name) {
            return Ok(*id);
        }
        let id = id_in(connection, &name, true).await?;
        let mut known = self.known();
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(name, id);
        Ok(id)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<QueueColumns, i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of a run's queue, found or added in an open transaction: others that would add the same one wait until that
/// ends. `keep` says whether our statements stay prepared.
pub(super) async fn id_in(
    connection: &mut PgConnection,
    name: &QueueColumns,
    keep: bool,
) -> Result<i32, sqlx::Error> {
    loop {
        let found = sqlx::query_scalar(FIND)
            .bind(&name.0)
            .bind(name.1)
            .bind(&name.2)
            .bind(&name.3)
            .persistent(keep)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(id) = found {
            return Ok(id);
        }
        // Somebody else may add it first; either way the next look finds it.
        sqlx::query(ADD)
            .bind(&name.0)
            .bind(name.1)
            .bind(&name.2)
            .bind(&name.3)
            .persistent(keep)
            .execute(&mut *connection)
            .await?;
    }
}
