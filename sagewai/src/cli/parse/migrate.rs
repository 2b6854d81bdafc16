//! `migrate`.

use clap::{Args, Subcommand, ValueEnum};

/// See, create and update the tables
///
/// Every other command creates and updates them as well, unless --no-migrate says otherwise.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Migrate {
    /// Tell which migrations were applied; 5 where some are missing
    Status,
    /// Apply what is missing
    Up(Up),
    /// Print the SQL that makes all tables from nothing; no store is asked
    Print {
        /// Which database [default: that of the store's URL]
        #[arg(long, value_enum)]
        dialect: Option<Dialect>,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Up {
    /// Tell what would be applied, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Print the SQL
    #[arg(long)]
    pub(in crate::cli) show_sql: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Dialect {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

pub(super) fn examples(app: &str) -> String {
    format!(
        "Examples:
  {app} migrate status --store postgres://app@db.example/app
  {app} migrate up --dry-run --show-sql
  {app} migrate print --dialect postgres | psql -v ON_ERROR_STOP=1 postgres://owner@db.example/app"
    )
}
