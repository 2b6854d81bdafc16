//! What an error of a database means for the one who asked.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use super::row::Unreadable;
use super::{StoreError, schema};

/// What can be done about a database's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The database is away; what became of a write is unknown.
    Unavailable,
    /// Nothing was written, and the same statement may succeed at once: two transactions got into each other's way.
    Clash,
    /// Nothing was written: somebody holds a row that it needs, for longer than a writer waits.
    Locked,
    /// Nothing was written: a row of this key is there already.
    Duplicate,
    /// Nothing was written, and nothing will be.
    Refused,
    /// The tables are not there.
    NoTables,
    /// A row cannot be read.
    Corrupt,
}

impl Kind {
    /// Reads what the driver says.
    pub(super) fn of(error: &sqlx::Error) -> Kind {
        use sqlx::Error;
        match error {
            Error::Database(error) => {
                let code = error.code().unwrap_or(Cow::Borrowed(""));
                // PostgreSQL's codes have five characters, SQLite's are numbers of at most four digits.
                if code.len() == 5 {
                    Kind::of_sqlstate(&code)
                } else if error.message().starts_with("no such table") {
                    // SQLite has no code for it.
                    Kind::NoTables
                } else {
                    Kind::of_sqlite(code.parse().unwrap_or(0))
                }
            }
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed => Kind::Unavailable,
            _ => Kind::Refused,
        }
    }

    fn of_sqlstate(code: &str) -> Kind {
        match code {
            "40001" | "40P01" => Kind::Clash,
            "23505" => Kind::Duplicate,
            // No such table, function, schema.
            "42P01" | "42883" | "3F000" => Kind::NoTables,
            // Disk full is for people to mend, and waiting alone does not.
            "53100" => Kind::Refused,
            "55P03" => Kind::Locked,
            // A server that only reads (it was just demoted), statements and pauses ended by a limit.
            "25006" | "25P03" | "57014" => Kind::Unavailable,
            // Connections, resources, shutdown and start of the server, failures of the system below it.
            _ if ["08", "53", "57", "58"].contains(&&code[..2]) => Kind::Unavailable,
            _ => Kind::Refused,
        }
    }

    fn of_sqlite(code: i32) -> Kind {
        match code {
            // SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE and _ROWID.
            1555 | 2067 | 2579 => Kind::Duplicate,
            // The low byte is the primary code: SQLITE_BUSY, SQLITE_LOCKED, SQLITE_INTERRUPT.
            _ if matches!(code & 0xff, 5 | 6 | 9) => Kind::Unavailable,
            _ => Kind::Refused,
        }
    }
}

/// A database's error, as often as callers were waiting for the statement.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub(super) struct Failure {
    pub(super) kind: Kind,
    code: Option<String>,
    error: Arc<dyn StdError + Send + Sync>,
}

impl Failure {
    /// Of a transaction that found somebody else in its way, and is to be tried again.
    pub(super) fn clash() -> Failure {
        #[derive(Debug, thiserror::Error)]
        #[error("a run was moved while a start looked at it")]
        struct Moved;
        Failure {
            kind: Kind::Clash,
            code: None,
            error: Arc::new(Moved),
        }
    }

    /// The database's own code, where it gave one.
    #[cfg(feature = "postgres")]
    pub(super) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// As the store's callers get it. `store` names the store without secrets.
    pub(super) fn into_error(self, store: &str) -> StoreError {
        let store = store.to_owned();
        let reason = self.error.to_string();
        let source: Option<Box<dyn StdError + Send + Sync>> = Some(Box::new(self.error));
        match self.kind {
            Kind::Unavailable | Kind::Clash | Kind::Locked => StoreError::Unavailable {
                store,
                reason,
                source,
            },
            Kind::Duplicate | Kind::Refused => StoreError::Refused {
                store,
                reason,
                source,
            },
            Kind::NoTables => StoreError::Schema {
                store,
                reason: format!("{reason}; {}", schema::HOW_TO_CREATE),
            },
            Kind::Corrupt => StoreError::Corrupt { store, reason },
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Failure {
        Failure {
            kind: Kind::of(&error),
            code: error
                .as_database_error()
                .and_then(|error| error.code().map(Cow::into_owned)),
            error: Arc::new(error),
        }
    }
}

impl From<Unreadable> for Failure {
    fn from(error: Unreadable) -> Failure {
        Failure {
            kind: Kind::Corrupt,
            code: None,
            error: Arc::new(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_by_what_can_be_done() {
        for (code, kind) in [
            ("40P01", Kind::Clash),
            ("55P03", Kind::Locked),
            ("23505", Kind::Duplicate),
            ("57P01", Kind::Unavailable),
            ("57P03", Kind::Unavailable),
            ("53300", Kind::Unavailable),
            ("53100", Kind::Refused),
            ("23514", Kind::Refused),
            ("42P01", Kind::NoTables),
        ] {
            assert_eq!(Kind::of_sqlstate(code), kind, "{code}");
        }
        assert_eq!(Kind::of_sqlite(1555), Kind::Duplicate);
        assert_eq!(
            Kind::of_sqlite(261),
            Kind::Unavailable,
            "SQLITE_BUSY_RECOVERY"
        );
        assert_eq!(Kind::of_sqlite(13), Kind::Refused, "SQLITE_FULL");
    }
}
