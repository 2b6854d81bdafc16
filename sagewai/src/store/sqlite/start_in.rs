//! Starts in a transaction that the caller has open on the file.
//!
//! Within a savepoint: whatever goes wrong, the transaction is as it was, and the caller decides what becomes of it.

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::admission::SqliteEntry;
use super::schema::{MIGRATIONS, applied};
use super::writer::now;
use crate::model::{Admission, NewRun, StartRules};
use crate::store::admission::{self, admit};
use crate::store::failure::Failure;
use crate::store::start_in::{OpenTransaction, Starting, sealed};
use crate::store::{StoreError, StoreResult, schema};

const LABEL: &str = "the caller's transaction";

impl sealed::Sealed for Transaction<'_, Sqlite> {}
impl sealed::Sealed for SqliteConnection {}

impl OpenTransaction for Transaction<'_, Sqlite> {
    fn start<'a>(
        &'a mut self,
        schema: Option<&'a str>,
        new: NewRun,
        rules: &'a StartRules,
    ) -> Starting<'a> {
        Box::pin(start(self, schema, new, rules))
    }
}

impl OpenTransaction for SqliteConnection {
    fn start<'a>(
        &'a mut self,
        schema: Option<&'a str>,
        new: NewRun,
        rules: &'a StartRules,
    ) -> Starting<'a> {
        Box::pin(start(self, schema, new, rules))
    }
}

async fn start(
    connection: &mut SqliteConnection,
    schema: Option<&str>,
    new: NewRun,
    rules: &StartRules,
) -> StoreResult<Admission> {
    admission::check(&new)?;
    if let Some(schema) = schema {
        return Err(bad_schema(format!(
            "SQLite has no schemas, and `{schema}` was asked for; leave `.schema(..)` out"
        )));
    }
    let failed = |failure: Failure| failure.into_error(LABEL);
    say(connection, "SAVEPOINT sagewai_start")
        .await
        .map_err(failed)?;
    let started = inside(connection, new, rules).await;
    let is_written = matches!(&started, Ok(admitted) if admission::is_written(admitted));
    if !is_written {
        let undone = say(connection, "ROLLBACK TO SAVEPOINT sagewai_start").await;
        // Where this does not work either, SQLite has ended the transaction, and says so to whoever goes on with it.
        if undone.is_err() {
            return started;
        }
    }
    say(connection, "RELEASE SAVEPOINT sagewai_start")
        .await
        .map_err(failed)?;
    started
}

async fn inside(
    connection: &mut SqliteConnection,
    new: NewRun,
    rules: &StartRules,
) -> StoreResult<Admission> {
    let failed = |failure: Failure| failure.into_error(LABEL);
    let applied = applied(connection).await.map_err(failed)?;
    schema::check(MIGRATIONS, applied).map_err(bad_schema)?;
    let mut entry = SqliteEntry::new(connection, now(), false);
    admit(&mut entry, new, rules).await.map_err(failed)
}

async fn say(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), Failure> {
    sqlx::raw_sql(sql).execute(connection).await?;
    Ok(())
}

fn bad_schema(reason: String) -> StoreError {
    StoreError::Schema {
        store: LABEL.to_owned(),
        reason,
    }
}
