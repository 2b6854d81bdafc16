//! What was meant: flags, else the environment (the parser has read it), else the file, else defaults.

mod file;
mod nearest;
mod worker;

use crate::store::AnyStore;

use super::exit::Failed;
use super::parse::{Command, Global, LogFormat, Output};

use file::File;
pub(super) use nearest::nearest;
pub use worker::WorkerSettings;

/// The store where none is named.
const DEFAULT_STORE: &str = "sqlite://sagewai.db";

/// What holds for every command.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) store: String,
    pub(super) output: Output,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
    pub(super) no_migrate: bool,
    file: File,
}

impl Settings {
    /// Resolves what holds for every command.
    pub(super) fn resolve(global: &Global, command: &Command) -> Result<Settings, Failed> {
        let file = File::read(global.config.as_deref())?;
        let is_worker = matches!(command, Command::Worker(_));
        let level = if is_worker { "info" } else { "warn" };
        let pick = |typed: &Option<String>, written: &Option<String>, default: &str| {
            let said = typed.as_ref().or(written.as_ref());
            said.cloned().unwrap_or_else(|| default.to_owned())
        };
        Ok(Settings {
            store: pick(&global.store, &file.store, DEFAULT_STORE),
            output: global.output.or(file.output).unwrap_or_default(),
            log: pick(&global.log, &file.log, level),
            log_format: global.log_format.or(file.log_format).unwrap_or_default(),
            no_migrate: global.no_migrate || file.no_migrate,
            file,
        })
    }

    /// Resolves what a worker is to be.
    pub(super) fn worker(&self, typed: &super::parse::Worker) -> Result<WorkerSettings, Failed> {
        WorkerSettings::resolve(typed, &self.file.worker)
    }

    /// Opens the store; creates or updates its tables, unless that is not wanted.
    pub(super) async fn open(&self) -> Result<AnyStore, Failed> {
        self.refuse_memory()?;
        if !self.no_migrate {
            return Ok(crate::store::open(&self.store).await?);
        }
        let store = crate::store::open_as_is(&self.store).await?;
        store.check().await?;
        Ok(store)
    }

    pub(super) fn refuse_memory(&self) -> Result<(), Failed> {
        if self.store.starts_with("memory:") {
            let message = "`memory:` lives and dies with a process, and each command is one";
            return Err(Failed::usage(message).hint("use `--store sqlite://file.db`"));
        }
        Ok(())
    }
}
