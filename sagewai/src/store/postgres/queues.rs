//! Distinct combinations of workflow, pool and labels: rows that are written once and read from memory after that.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sqlx::PgConnection;

use crate::model::NewRun;

pub(super) const FIND: &str =
    "SELECT queue_id FROM queues WHERE workflow = $1 AND pool = $2 AND labels = $3::jsonb";
pub(super) const ADD: &str =
    "INSERT INTO queues (workflow, pool, labels) VALUES ($1, $2, $3::jsonb) ON CONFLICT DO NOTHING";

/// Past so many combinations the memory begins anew, so that a program that makes them up does not fill it.
const REMEMBERED_MAX: usize = 10_000;

/// What identifies a combination: workflow, pool, and the one JSON text of the labels.
type Name = (String, String, String);

/// The ids that this process has met.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<HashMap<Name, i32>>);

impl Queues {
    /// The id of a run's queue. A queue that is new is there when this returns, whatever becomes of the run.
    pub(super) async fn id(
        &self,
        connection: &mut PgConnection,
        run: &NewRun,
    ) -> Result<i32, sqlx::Error> {
        let name = (run.workflow.clone(), run.pool.clone(), run.labels.to_json());
        if let Some(id) = self.known().get(&name) {
            return Ok(*id);
        }
        let id = find_or_add(connection, &name, true).await?;
        let mut known = self.known();
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(name, id);
        Ok(id)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Name, i32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of a run's queue, found or added in an open transaction: others that would add the same one wait until that
/// ends. `keep` says whether our statements stay prepared.
pub(super) async fn id_in(
    connection: &mut PgConnection,
    run: &NewRun,
    keep: bool,
) -> Result<i32, sqlx::Error> {
    let name = (run.workflow.clone(), run.pool.clone(), run.labels.to_json());
    find_or_add(connection, &name, keep).await
}

async fn find_or_add(
    connection: &mut PgConnection,
    name: &Name,
    keep: bool,
) -> Result<i32, sqlx::Error> {
    loop {
        let found = sqlx::query_scalar(FIND)
            .bind(&name.0)
            .bind(&name.1)
            .bind(&name.2)
            .persistent(keep)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(id) = found {
            return Ok(id);
        }
        // Somebody else may add it first; either way the next look finds it.
        sqlx::query(ADD)
            .bind(&name.0)
            .bind(&name.1)
            .bind(&name.2)
            .persistent(keep)
            .execute(&mut *connection)
            .await?;
    }
}
