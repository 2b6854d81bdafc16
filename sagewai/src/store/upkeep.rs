//! The tables of a store, for those who look after them: what was applied, what is missing, and the SQL of it.

use std::fmt::Write;

use super::schema::{self, CREATE_MIGRATIONS, Migration};
use super::{StoreError, StoreResult};

/// The databases that have tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Database {
    /// The one that a URL names.
    pub(crate) fn of(url: &str) -> StoreResult<Database> {
        match url.split(':').next().unwrap_or_default() {
            "sqlite" => Ok(Database::Sqlite),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => Ok(Database::Postgres),
            _ => Err(StoreError::Url {
                url: super::open::without_password(url),
                reason: "only `sqlite://file.db` and `postgres://user@host/database` have tables, with the feature of \
                         that store on"
                    .to_owned(),
            }),
        }
    }
}

/// The migrations of this version.
pub(crate) fn known(database: Database) -> &'static [Migration] {
    match database {
        Database::Sqlite => super::sqlite::MIGRATIONS,
        #[cfg(feature = "postgres")]
        Database::Postgres => super::postgres::MIGRATIONS,
    }
}

/// What was applied to a store.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) database: Database,
    /// The newest migration; none where there are no tables.
    pub(crate) applied: Option<i64>,
    pub(crate) known: &'static [Migration],
}

impl Tables {
    /// Looks at the store that `url` names, and changes nothing: a file that is missing is not made.
    pub(crate) async fn look(url: &str) -> StoreResult<Tables> {
        let database = Database::of(url)?;
        let applied = match database {
            Database::Sqlite => super::SqliteStore::applied_at(url).await?,
            #[cfg(feature = "postgres")]
            Database::Postgres => super::PostgresStore::connect(url).await?.applied().await?,
        };
        Ok(Tables {
            database,
            applied,
            known: known(database),
        })
    }

    pub(crate) fn has(&self, migration: &Migration) -> bool {
        self.applied
            .is_some_and(|applied| migration.version <= applied)
    }

    /// What is missing; the reason where this version must not touch the tables.
    pub(crate) fn missing(&self) -> Result<&'static [Migration], String> {
        schema::missing(self.known, self.applied)
    }

    /// Whether the tables are those of this version; the reason where they are not.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.missing()? {
            [] => Ok(()),
            missing => {
                let names = missing
                    .iter()
                    .map(|m| m.name)
                    .collect::<Vec<_>>()
                    .join(", ");
                Err(format!("{names} must be applied; run `migrate up`"))
            }
        }
    }
}

/// Statements that apply these migrations, in one transaction.
pub(crate) fn script(database: Database, migrations: &[Migration]) -> String {
    let (begin, now) = match database {
        Database::Sqlite => (
            "BEGIN IMMEDIATE;\n",
            "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        ),
        #[cfg(feature = "postgres")]
        Database::Postgres => (
            "BEGIN;\nCREATE SCHEMA IF NOT EXISTS sagewai;\nSET LOCAL search_path TO sagewai, pg_temp;\n",
            "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        ),
    };
    let mut script = format!("{begin}{CREATE_MIGRATIONS};\n");
    for Migration { version, name, sql } in migrations {
        // Writing to a text does not fail.
        let _ = write!(
            script,
            "\n-- {name}\n\n{sql}\nINSERT INTO sagewai_migrations (version, name, applied_at) VALUES ({version}, '{name}', {now});\n"
        );
    }
    script + "\nCOMMIT;\n"
}
