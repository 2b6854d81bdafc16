//! Tables, the clock, and hints.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection};

use super::PostgresStore;
use crate::model::Timestamp;
use crate::store::failure::Failure;
use crate::store::schema::{APPLIED, CREATE_MIGRATIONS, Migration, NOTE_APPLIED, migrations};
use crate::store::{Hints, Schema, StoreError, StoreResult, schema};

pub(in crate::store) const MIGRATIONS: &[Migration] =
    migrations!("postgres": 1 "0001_core", 2 "0002_schedules");

/// One process at a time creates the schema, and only one per schema.
pub(super) const LOCK: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('sagewai schema ' || $1, 0))";
pub(super) const HAS_SCHEMA: &str = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
pub(super) const HAS_MIGRATIONS: &str = "SELECT to_regclass('sagewai_migrations') IS NOT NULL";
/// `now_us()` is one of the things that a migration creates.
pub(super) const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

#[async_trait]
impl Schema for PostgresStore {
    async fn initialize(&self) -> StoreResult<()> {
        // Most processes find everything there, and need no right to create anything.
        let applied = self.applied().await?;
        if self.missing(applied)?.is_empty() {
            return Ok(());
        }
        let mut tx = self.pool().begin().await.map_err(|e| self.error(e))?;
        self.create(&mut tx).await?;
        tx.commit().await.map_err(|e| self.error(e))
    }

    async fn check(&self) -> StoreResult<()> {
        let applied = self.applied().await?;
        schema::check(MIGRATIONS, applied).map_err(|reason| self.bad_schema(reason))
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        let now = sqlx::query_scalar(CLOCK).fetch_one(self.pool()).await;
        now.map(Timestamp::from_micros).map_err(|e| self.error(e))
    }

    fn hints(&self) -> &Hints {
        self.0.listener.listen();
        &self.0.hints
    }
}

impl PostgresStore {
    async fn create(&self, connection: &mut PgConnection) -> StoreResult<()> {
        let schema = self.0.server.schema.as_str();
        self.create_home(connection, schema)
            .await
            .map_err(|e| self.error(e))?;
        // Somebody else may have been faster, or be of a newer version: what counts is what is there under the lock.
        let applied = applied(connection).await.map_err(|e| self.error(e))?;
        for migration in self.missing(applied)? {
            apply(connection, migration)
                .await
                .map_err(|e| self.error(e))?;
        }
        Ok(())
    }

    async fn create_home(
        &self,
        connection: &mut PgConnection,
        schema: &str,
    ) -> Result<(), Failure> {
        sqlx::query(LOCK)
            .bind(schema)
            .execute(&mut *connection)
            .await?;
        let exists: bool = sqlx::query_scalar(HAS_SCHEMA)
            .bind(schema)
            .fetch_one(&mut *connection)
            .await?;
        if !exists {
            // A name cannot be a parameter; this one was checked to need no quotes.
            let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
            sqlx::raw_sql(create).execute(&mut *connection).await?;
        }
        sqlx::raw_sql(CREATE_MIGRATIONS)
            .execute(&mut *connection)
            .await?;
        Ok(())
    }

    pub(in crate::store) async fn applied(&self) -> StoreResult<Option<i64>> {
        let mut connection = self.pool().acquire().await.map_err(|e| self.error(e))?;
        applied(&mut connection).await.map_err(|e| self.error(e))
    }

    fn missing(&self, applied: Option<i64>) -> StoreResult<&'static [Migration]> {
        schema::missing(MIGRATIONS, applied).map_err(|reason| self.bad_schema(reason))
    }

    fn bad_schema(&self, reason: String) -> StoreError {
        StoreError::Schema {
            store: format!("{} (schema {})", self.label(), self.0.server.schema),
            reason,
        }
    }
}

/// The newest migration that was applied.
async fn applied(connection: &mut PgConnection) -> Result<Option<i64>, Failure> {
    let any: bool = sqlx::query_scalar(HAS_MIGRATIONS)
        .fetch_one(&mut *connection)
        .await?;
    if !any {
        return Ok(None);
    }
    Ok(sqlx::query_scalar(APPLIED).fetch_one(connection).await?)
}

async fn apply(connection: &mut PgConnection, migration: &Migration) -> Result<(), Failure> {
    sqlx::raw_sql(migration.sql)
        .execute(&mut *connection)
        .await?;
    let now: i64 = sqlx::query_scalar(CLOCK)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query(NOTE_APPLIED)
        .bind(migration.version)
        .bind(migration.name)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
