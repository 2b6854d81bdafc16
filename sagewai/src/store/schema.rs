//! Which migrations there are, and which of them a database still needs.

/// One step of the schema's growth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Migration {
    /// Counted from 1.
    pub(crate) version: i64,
    /// For people.
    pub(crate) name: &'static str,
    /// Any number of statements.
    pub(crate) sql: &'static str,
}

/// Lists the migrations of a dialect from the files in `migrations/`.
macro_rules! migrations {
    ($dialect:literal: $($version:literal $name:literal),* $(,)?) => {
        &[$($crate::store::schema::Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../migrations/", $dialect, "/", $name, ".sql")),
        }),*]
    };
}
pub(super) use migrations;

/// Our own table of what has been applied; an application that shares the database may have its own.
pub(super) const CREATE_MIGRATIONS: &str = "CREATE TABLE IF NOT EXISTS sagewai_migrations (
    version bigint PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)";

/// The newest version that was applied; null where there is none.
pub(super) const APPLIED: &str = "SELECT max(version) AS version FROM sagewai_migrations";

/// Notes that a migration was applied. `$1` version, `$2` name, `$3` time.
pub(super) const NOTE_APPLIED: &str =
    "INSERT INTO sagewai_migrations (version, name, applied_at) VALUES ($1, $2, $3)";

/// What to do where the tables are missing or old.
pub(super) const HOW_TO_CREATE: &str =
    "call `initialize()` on the store once, or open it by `store::open`, which does";

/// The migrations that are missing where `applied` is the newest one; the reason where this version of the library
/// must not touch the tables.
pub(super) fn missing(
    known: &'static [Migration],
    applied: Option<i64>,
) -> Result<&'static [Migration], String> {
    let applied = applied.unwrap_or(0);
    let newest = newest(known);
    if applied > newest {
        return Err(format!(
            "they have version {applied}, and this version of sagewai knows them up to {newest}; update this \
             program, or point it at another store"
        ));
    }
    let first = known.partition_point(|m| m.version <= applied);
    Ok(&known[first..])
}

/// Whether the tables are exactly those of this version; the reason where they are not.
pub(super) fn check(known: &'static [Migration], applied: Option<i64>) -> Result<(), String> {
    let missing = missing(known, applied)?;
    if missing.is_empty() {
        return Ok(());
    }
    let what = match applied {
        None => "there are none".to_owned(),
        Some(version) => format!(
            "they have version {version}, and {} is needed",
            newest(known)
        ),
    };
    Err(format!("{what}; {HOW_TO_CREATE}"))
}

fn newest(known: &[Migration]) -> i64 {
    known.last().map_or(0, |m| m.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration {
            version: 1,
            name: "a",
            sql: "",
        },
        Migration {
            version: 2,
            name: "b",
            sql: "",
        },
    ];

    #[test]
    fn only_what_is_missing_is_applied() {
        assert_eq!(missing(KNOWN, None).unwrap(), KNOWN);
        assert_eq!(missing(KNOWN, Some(1)).unwrap(), &KNOWN[1..]);
        assert!(missing(KNOWN, Some(2)).unwrap().is_empty());
    }

    #[test]
    fn old_and_newer_tables_are_refused_with_what_to_do() {
        assert_eq!(check(KNOWN, Some(2)), Ok(()));
        let refusal = |applied| check(KNOWN, applied).unwrap_err();
        assert!(refusal(None).contains("initialize()"));
        assert!(refusal(Some(1)).contains("version 1, and 2 is needed"));
        assert!(refusal(Some(3)).contains("update this program"));
    }
}
