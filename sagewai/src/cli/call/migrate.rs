//! `migrate`.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::cli::exit::{Code, Failed};
use crate::cli::parse::{Dialect, Migrate, Output, Up};
use crate::cli::print;
use crate::cli::resolve::Settings;
use crate::store::upkeep::{self, Database, Tables};

pub(super) async fn call(settings: &Settings, asked: Migrate) -> Result<(), Failed> {
    match asked {
        Migrate::Status => status(settings).await,
        Migrate::Up(up) => self::up(settings, &up).await,
        Migrate::Print { dialect } => script(settings, dialect),
    }
}

async fn status(settings: &Settings) -> Result<(), Failed> {
    settings.refuse_memory()?;
    let tables = Tables::look(&settings.store).await?;
    show(settings, &tables)?;
    match tables.check() {
        Ok(()) => Ok(()),
        Err(reason) => Err(Failed::new(
            Code::Store,
            format!("the tables cannot be used: {reason}"),
        )),
    }
}

async fn up(settings: &Settings, asked: &Up) -> Result<(), Failed> {
    settings.refuse_memory()?;
    let tables = Tables::look(&settings.store).await?;
    let missing = tables
        .missing()
        .map_err(|reason| Failed::new(Code::Store, reason))?;
    if asked.show_sql && !missing.is_empty() {
        print::text(&upkeep::script(tables.database, missing))?;
    }
    if asked.dry_run {
        let names = missing
            .iter()
            .map(|m| m.name)
            .collect::<Vec<_>>()
            .join(", ");
        print::aside(&if missing.is_empty() {
            "nothing is missing".to_owned()
        } else {
            format!("would apply {names}")
        });
        return Ok(());
    }
    crate::store::open(&settings.store).await?;
    let after = Tables::look(&settings.store).await?;
    // Behind the SQL, it would be taken for SQL.
    if asked.show_sql {
        Ok(())
    } else {
        show(settings, &after)
    }
}

fn show(settings: &Settings, tables: &Tables) -> Result<(), Failed> {
    match settings.output {
        Output::Table => {
            let mut text = String::new();
            for migration in tables.known {
                let state = if tables.has(migration) {
                    "applied"
                } else {
                    "missing"
                };
                // Writing to a text does not fail.
                let _ = writeln!(
                    text,
                    "{:04}  {:<24}{state}",
                    migration.version, migration.name
                );
            }
            print::text(&text)
        }
        Output::Json => {
            let each = tables.known.iter().map(|migration| {
                json!({
                    "version": migration.version,
                    "name": migration.name,
                    "applied": tables.has(migration),
                })
            });
            let each: Vec<Value> = each.collect();
            print::object(json!({"applied": tables.applied, "migrations": each}))
        }
    }
}

fn script(settings: &Settings, dialect: Option<Dialect>) -> Result<(), Failed> {
    let database = match dialect {
        Some(Dialect::Sqlite) => Database::Sqlite,
        #[cfg(feature = "postgres")]
        Some(Dialect::Postgres) => Database::Postgres,
        None => {
            settings.refuse_memory()?;
            Database::of(&settings.store)?
        }
    };
    print::text(&upkeep::script(database, upkeep::known(database)))
}
