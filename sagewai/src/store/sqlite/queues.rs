//! Distinct combinations of workflow, version, pool and labels: rows that are written once and read from memory after that.

use std::collections::HashMap;

use sqlx::SqliteConnection;

use crate::store::columns::QueueColumns;

pub(super) const FIND: &str = "SELECT queue_id FROM queues WHERE workflow = $1 AND version = $2 AND pool = $3 AND labels = $4";
pub(super) const ADD: &str = "INSERT INTO queues (workflow, version, pool, labels) VALUES ($1, $2, $3, $4) RETURNING queue_id";

/// Past so many combinations the memory begins anew, so that a program that makes them up does not fill it.
const REMEMBERED_MAX: usize = 10_000;

/// The ids that the writer has met. Ids of a transaction are kept apart until it is durable: undone, their numbers
/// would go to others.
#[derive(Debug, Default)]
pub(super) struct Queues {
    known: HashMap<QueueColumns, i64>,
    new: HashMap<QueueColumns, i64>,
}

impl Queues {
    /// The id of a run's queue, which is added where it is new.
    pub(super) async fn id(
        &mut self,
        connection: &mut SqliteConnection,
        name: QueueColumns,
    ) -> Result<i64, sqlx::Error> {
        if let Some(id) = self.known.get(&name).or_else(|| self.new.get(&name)) {
            return Ok(*id);
        }
        let id = find_or_add(connection, &name).await?;
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

/// The id of a queue, without a memory of it.
pub(super) async fn find_or_add(
    connection: &mut SqliteConnection,
    name: &QueueColumns,
) -> Result<i64, sqlx::Error> {
    let found = sqlx::query_scalar(FIND)
        .bind(&name.0)
        .bind(name.1)
        .bind(&name.2)
        .bind(&name.3)
        .fetch_optional(&mut *connection)
        .await?;
    match found {
        Some(id) => Ok(id),
        None => {
            sqlx::query_scalar(ADD)
                .bind(&name.0)
                .bind(name.1)
                .bind(&name.2)
                .bind(&name.3)
                .fetch_one(connection)
                .await
        }
    }
}
