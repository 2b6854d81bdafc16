//! Distinct combinations of workflow, pool and labels: rows that are written once and read from memory after that.

use std::collections::HashMap;

use sqlx::SqliteConnection;

use crate::model::NewRun;

pub(super) const FIND: &str =
    "SELECT queue_id FROM queues WHERE workflow = $1 AND pool = $2 AND labels = $3";
pub(super) const ADD: &str =
    "INSERT INTO queues (workflow, pool, labels) VALUES ($1, $2, $3) RETURNING queue_id";

/// Past so many combinations the memory begins anew, so that a program that makes them up does not fill it.
const REMEMBERED_MAX: usize = 10_000;

/// What identifies a combination: workflow, pool, and the one JSON text of the labels.
type Name = (String, String, String);

/// The ids that the writer has met. Ids of a transaction are kept apart until it is durable: undone, their numbers
/// would go to others.
#[derive(Debug, Default)]
pub(super) struct Queues {
    known: HashMap<Name, i64>,
    new: HashMap<Name, i64>,
}

impl Queues {
    /// The id of a run's queue, which is added where it is new.
    pub(super) async fn id(
        &mut self,
        connection: &mut SqliteConnection,
        run: &NewRun,
    ) -> Result<i64, sqlx::Error> {
        let name = (run.workflow.clone(), run.pool.clone(), run.labels.to_json());
        if let Some(id) = self.known.get(&name).or_else(|| self.new.get(&name)) {
            return Ok(*id);
        }
        let id = find_or_add(connection, run).await?;
        self.new.insert(name, id);
        Ok(id)
    }

    /// The transaction is durable.
    pub(super) fn keep(&mut self) {
        if self.known.len() >= REMEMBERED_MAX {
            self.known.clear();
        }
        self.known.extend(self.new.drain());
    }

    /// The transaction was undone, or its end is not known.
    pub(super) fn forget(&mut self) {
        self.new.clear();
    }
}

/// The id of a run's queue, without a memory of it.
pub(super) async fn find_or_add(
    connection: &mut SqliteConnection,
    run: &NewRun,
) -> Result<i64, sqlx::Error> {
    let labels = run.labels.to_json();
    let found = sqlx::query_scalar(FIND)
        .bind(&run.workflow)
        .bind(&run.pool)
        .bind(&labels)
        .fetch_optional(&mut *connection)
        .await?;
    match found {
        Some(id) => Ok(id),
        None => {
            sqlx::query_scalar(ADD)
                .bind(&run.workflow)
                .bind(&run.pool)
                .bind(&labels)
                .fetch_one(connection)
                .await
        }
    }
}
