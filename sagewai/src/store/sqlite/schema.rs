//! Tables, the clock, and hints.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::writer::{Writing, now};
use crate::model::Timestamp;
use crate::store::failure::Failure;
use crate::store::schema::{APPLIED, CREATE_MIGRATIONS, Migration, NOTE_APPLIED, migrations};
use crate::store::{Hints, Schema, StoreError, StoreResult, schema};

pub(in crate::store) const MIGRATIONS: &[Migration] =
    migrations!("sqlite": 1 "0001_core", 2 "0002_schedules");

const HAS_MIGRATIONS: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sagewai_migrations')";

#[async_trait]
impl Schema for SqliteStore {
    async fn initialize(&self) -> StoreResult<()> {
        // Most processes find everything there, and need not wait for those that write.
        let there = self.applied().await?;
        if self.missing(there)?.is_empty() {
            return Ok(());
        }
        let mut tx = self.writer().begin().await.map_err(|e| self.error(e))?;
        // Somebody else may have been faster, or be of a newer version: what counts is what is there under the lock.
        let there = applied(&mut tx).await.map_err(|e| self.error(e))?;
        let missing = self.missing(there)?;
        create(&mut tx, missing).await.map_err(|e| self.error(e))?;
        tx.commit().await.map_err(|e| self.error(e))
    }

    async fn check(&self) -> StoreResult<()> {
        let there = self.applied().await?;
        schema::check(MIGRATIONS, there).map_err(|reason| self.bad_schema(reason))
    }

    async fn now(&self) -> StoreResult<Timestamp> {
        Ok(now())
    }

    fn hints(&self) -> &Hints {
        self.0.watch.start();
        &self.0.hints
    }
}

impl SqliteStore {
    /// The newest migration of a file; none where there is no file, which is not made.
    #[cfg(feature = "cli")]
    pub(in crate::store) async fn applied_at(url: &str) -> StoreResult<Option<i64>> {
        let file = super::options::File::parse(std::path::Path::new(url))?;
        if !file.exists() {
            return Ok(None);
        }
        SqliteStore::open(url).await?.applied().await
    }

    async fn applied(&self) -> StoreResult<Option<i64>> {
        let mut connection = self.readers().acquire().await.map_err(|e| self.error(e))?;
        applied(&mut connection).await.map_err(|e| self.error(e))
    }

    fn missing(&self, applied: Option<i64>) -> StoreResult<&'static [Migration]> {
        schema::missing(MIGRATIONS, applied).map_err(|reason| self.bad_schema(reason))
    }

    fn bad_schema(&self, reason: String) -> StoreError {
        StoreError::Schema {
            store: self.0.label.clone(),
            reason,
        }
    }
}

/// The newest migration that was applied.
pub(super) async fn applied(connection: &mut SqliteConnection) -> Result<Option<i64>, Failure> {
    let any: bool = sqlx::query_scalar(HAS_MIGRATIONS)
        .fetch_one(&mut *connection)
        .await?;
    if !any {
        return Ok(None);
    }
    Ok(sqlx::query_scalar(APPLIED).fetch_one(connection).await?)
}

async fn create(tx: &mut Writing<'_>, missing: &[Migration]) -> Result<(), Failure> {
    let now = tx.now.as_micros();
    sqlx::raw_sql(CREATE_MIGRATIONS).execute(&mut **tx).await?;
    for migration in missing {
        sqlx::raw_sql(migration.sql).execute(&mut **tx).await?;
        sqlx::query(NOTE_APPLIED)
            .bind(migration.version)
            .bind(migration.name)
            .bind(now)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
