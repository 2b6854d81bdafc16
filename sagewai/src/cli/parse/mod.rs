//! What was typed. Nothing is decided here but what a flag can mean at all.

mod graph;
mod migrate;
mod start;
mod values;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{FalseyValueParser, PossibleValuesParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::app::App;
use super::exit::CODES;

pub(super) use graph::{Format, Graph};
pub(super) use migrate::{Dialect, Migrate, Up};
pub(super) use start::Start;
pub(super) use values::duration;
pub(super) use worker::Worker;

#[derive(Debug, Parser)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Line {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    #[arg(
        help = "Where runs live: sqlite://file.db or postgres://user:password@host/database [default: sqlite://sagewai.db]",
        long,
        global = true,
        value_name = "URL",
        env = "SAGEWAI_STORE",
        hide_env_values = true
    )]
    pub(super) store: Option<String>,
    /// The file with settings [default: sagewai.toml, where it is there]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SAGEWAI_CONFIG",
        hide_env_values = true
    )]
    pub(super) config: Option<PathBuf>,
    /// For people, or for programs [default: table]
    #[arg(
        long,
        global = true,
        value_enum,
        env = "SAGEWAI_OUTPUT",
        hide_env_values = true
    )]
    pub(super) output: Option<Output>,
    /// What to log on stderr: a level, or levels by module as in sagewai=debug,info [default: info for a worker, else warn]
    #[arg(
        long,
        global = true,
        value_name = "LEVELS",
        env = "SAGEWAI_LOG",
        hide_env_values = true
    )]
    pub(super) log: Option<String>,
    /// Logs as lines for people, or as JSON [default: text]
    #[arg(
        long,
        global = true,
        value_enum,
        env = "SAGEWAI_LOG_FORMAT",
        hide_env_values = true
    )]
    pub(super) log_format: Option<LogFormat>,
    /// Do not create or update tables: fail where they are not those of this version
    #[arg(long, global = true, env = "SAGEWAI_NO_MIGRATE", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(super) no_migrate: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Output {
    /// Text for people
    #[default]
    Table,
    /// One JSON value
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Worker(Worker),
    Start(Start),
    #[command(subcommand)]
    Migrate(Migrate),
    Graph(Graph),
}

/// Reads a command line. An error may be the help that was asked for.
pub(super) fn line(
    app: &App,
    words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<Line, clap::Error> {
    let matches = command(app).try_get_matches_from(words)?;
    Line::from_arg_matches(&matches)
}

/// The parser, in the words of the app.
fn command(app: &App) -> clap::Command {
    let name = &app.name;
    let names = app.workflows.iter().map(|workflow| workflow.spec().name);
    let workflows = PossibleValuesParser::new(names);
    let which = |command: clap::Command| {
        let workflows = workflows.clone();
        command.mut_arg("workflow", |arg| arg.value_parser(workflows))
    };
    let mut command = Line::command()
        .name(name)
        .bin_name(name)
        .after_help(CODES)
        .mut_subcommand("worker", |c| c.after_help(worker::examples(name)))
        .mut_subcommand("start", |c| which(c).after_help(start::examples(name)))
        .mut_subcommand("migrate", |c| c.after_help(migrate::examples(name)))
        .mut_subcommand("graph", |c| which(c).after_help(graph::examples(name)));
    if let Some(version) = &app.version {
        command = command.version(version);
    }
    match &app.about {
        Some(about) => command.about(about),
        None => command.about("Durable workflows: a worker, starts, migrations"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parser_is_sound() {
        command(&App::new("demo")).debug_assert();
    }

    #[test]
    fn each_setting_of_the_environment_is_named_in_the_help_and_its_value_is_not() {
        for command in command(&App::new("demo")).get_subcommands().cloned() {
            let mut command = command;
            let help = command.render_long_help().to_string();
            assert!(!help.contains("hunter2"));
            for arg in command.get_arguments() {
                if let Some(variable) = arg.get_env() {
                    assert!(arg.is_hide_env_values_set(), "{arg}");
                    let variable = variable.to_str().unwrap();
                    assert!(variable.starts_with("SAGEWAI_"), "{variable}");
                    assert!(help.contains(variable), "{variable} is not in the help");
                }
            }
        }
    }
}
