//! Does what was meant.

mod graph;
mod migrate;
mod progress;
mod start;
mod worker;

use super::app::App;
use super::exit::Failed;
use super::log;
use super::parse::Command;
use super::resolve::Settings;

pub(super) async fn call(app: &App, settings: Settings, command: Command) -> Result<(), Failed> {
    log::begin(&settings.log, settings.log_format)?;
    match command {
        Command::Worker(typed) => worker::call(app, &settings, &typed).await,
        Command::Start(start) => start::call(app, &settings, start).await,
        Command::Migrate(migrate) => migrate::call(&settings, migrate).await,
        Command::Graph(graph) => graph::call(app, &settings, &graph),
    }
}
