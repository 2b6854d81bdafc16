//! Starts in a transaction that the caller has open.
//!
//! The caller's connection has another search path than ours. It is set for the statements in between and put back, all
//! within a savepoint: whatever goes wrong, the transaction is as it was, and the caller decides what becomes of it.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, Transaction};

use super::admission::PostgresEntry;
use super::options::check_schema;
use super::schema::MIGRATIONS;
use crate::model::{Admission, NewRun, StartRules};
use crate::store::admission::{self, admit};
use crate::store::failure::{Failure, Kind};
use crate::store::start_in::{OpenTransaction, Starting, sealed};
use crate::store::{StoreError, StoreResult, schema};

/// The schema where nothing else is said.
pub(super) const DEFAULT_SCHEMA: &str = "sagewai";
/// How often a start is tried that others got in the way of.
const CLASHES_MAX: u32 = 10;

impl sealed::Sealed for Transaction<'_, Postgres> {}
impl sealed::Sealed for PgConnection {}

impl OpenTransaction for Transaction<'_, Postgres> {
    fn start<'a>(
        &'a mut self,
        schema: Option<&'a str>,
        new: NewRun,
        rules: &'a StartRules,
    ) -> Starting<'a> {
        Box::pin(start(self, schema, new, rules))
    }
}

impl OpenTransaction for PgConnection {
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
    connection: &mut PgConnection,
    schema: Option<&str>,
    new: NewRun,
    rules: &StartRules,
) -> StoreResult<Admission> {
    admission::check(&new)?;
    let schema = schema.unwrap_or(DEFAULT_SCHEMA);
    let label = format!("the caller's transaction (schema {schema})");
    let bad_schema = |reason| StoreError::Schema {
        store: label.clone(),
        reason,
    };
    check_schema(schema).map_err(bad_schema)?;
    let mut clashes = 0;
    loop {
        let inside = Inside::enter(connection, schema).await;
        let mut inside = inside.map_err(|e| not_open(e, &label))?;
        let started = match schema::check(MIGRATIONS, inside.applied) {
            Ok(()) => inside.start(&new, rules).await,
            Err(reason) => {
                inside.undo().await.map_err(|e| e.into_error(&label))?;
                return Err(bad_schema(reason));
            }
        };
        match started {
            Ok(admitted) if admission::is_written(&admitted) => {
                inside.keep().await.map_err(|e| e.into_error(&label))?;
                return Ok(admitted);
            }
            // Nothing is to stay, locks neither.
            Ok(admitted) => {
                inside.undo().await.map_err(|e| e.into_error(&label))?;
                return Ok(admitted);
            }
            Err(failure) => {
                // Where this does not work either, the connection is gone, which is what the first error says.
                let undone = inside.undo().await;
                let again = failure.kind == Kind::Clash && clashes < CLASHES_MAX && undone.is_ok();
                if !again {
                    return Err(failure.into_error(&label));
                }
                clashes += 1;
            }
        }
    }
}

/// A savepoint in the caller's transaction, with our search path.
struct Inside<'a> {
    connection: &'a mut PgConnection,
    schema: &'a str,
    /// The caller's search path.
    before: String,
    /// The newest migration in the schema.
    applied: Option<i64>,
}

impl<'a> Inside<'a> {
    /// One round trip. The name of the schema was checked to need no quotes.
    async fn enter(
        connection: &'a mut PgConnection,
        schema: &'a str,
    ) -> Result<Inside<'a>, Failure> {
        let enter = AssertSqlSafe(format!(
            "SAVEPOINT sagewai_start;
             SELECT current_setting('search_path') AS path;
             SELECT set_config('search_path', '{schema}, pg_temp', true) AS path;
             SELECT CAST(to_regclass('{schema}.sagewai_migrations') AS text) AS path"
        ));
        let rows: Vec<PgRow> = sqlx::raw_sql(enter).fetch_all(&mut *connection).await?;
        let word = |row: usize| -> Result<Option<String>, sqlx::Error> {
            rows.get(row).map_or(Ok(None), |row| row.try_get("path"))
        };
        let before = word(0)?.unwrap_or_default();
        let is_there = word(2)?.is_some();
        let mut inside = Inside {
            connection,
            schema,
            before,
            applied: None,
        };
        if is_there {
            match inside.read_applied().await {
                Ok(applied) => inside.applied = applied,
                Err(error) => {
                    let failure = Failure::from(error);
                    inside.undo().await?;
                    return Err(failure);
                }
            }
        }
        Ok(inside)
    }

    async fn read_applied(&mut self) -> Result<Option<i64>, sqlx::Error> {
        sqlx::query_scalar(schema::APPLIED)
            .persistent(false)
            .fetch_one(&mut *self.connection)
            .await
    }

    async fn start(&mut self, new: &NewRun, rules: &StartRules) -> Result<Admission, Failure> {
        let mut entry = PostgresEntry::of_a_caller(self.connection);
        admit(&mut entry, new.clone(), rules).await
    }

    /// Leaves with what was written. Workers hear of it when the caller commits.
    async fn keep(self) -> Result<(), Failure> {
        sqlx::query("SELECT set_config('search_path', $1, true), pg_notify($2, '')")
            .bind(&self.before)
            .bind(super::news::channel_of_work(self.schema))
            .persistent(false)
            .execute(&mut *self.connection)
            .await?;
        sqlx::raw_sql("RELEASE SAVEPOINT sagewai_start")
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }

    /// Leaves with nothing, the search path included.
    async fn undo(self) -> Result<(), Failure> {
        sqlx::raw_sql("ROLLBACK TO SAVEPOINT sagewai_start; RELEASE SAVEPOINT sagewai_start")
            .execute(&mut *self.connection)
            .await?;
        Ok(())
    }
}

/// Why a savepoint cannot be set.
fn not_open(failure: Failure, label: &str) -> StoreError {
    let reason = match failure.code() {
        // No transaction, or one that has failed.
        Some("25P01") => "no transaction is open on this connection; begin one",
        Some("25P02") => "it has failed before and takes no more statements; roll it back",
        _ => return failure.into_error(label),
    };
    StoreError::Refused {
        store: label.to_owned(),
        reason: reason.to_owned(),
        source: None,
    }
}
