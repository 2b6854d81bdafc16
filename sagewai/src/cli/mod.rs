//! The command line of your own binary: a worker with its probes, starts, migrations, graphs.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use sagewai::cli::App;
//! use sagewai::prelude::*;
//!
//! #[step]
//! async fn research(topic: &str) -> Result<String> {
//!     Ok(format!("notes on {topic}"))
//! }
//!
//! #[workflow(name = "article")]
//! async fn article(topic: String) -> Result<String> {
//!     research(&topic).await
//! }
//!
//! #[tokio::main]
//! async fn main() -> ExitCode {
//!     sagewai::cli::run(App::new("articles").workflow(article)).await
//! }
//! ```
//!
//! This gives `articles worker`, `articles start article --input '{"topic":"tides"}' --wait`, `articles migrate status`,
//! `articles graph article`, and help for each. A setting comes from its flag, else from its variable of the environment
//! (`SAGEWAI_STORE`, `SAGEWAI_POOL`, …; the help names them), else from `sagewai.toml` or the file of `--config`, else it
//! has the library's default.
//!
//! Exit codes: 0 done, 1 the run or the command failed, 2 usage, 3 not found, 4 conflict, 5 the store cannot be used, 124
//! the time to wait passed, 130 interrupted.
//!
//! A command goes one way: `parse` tells what was typed, `resolve` what was meant, `call` does it.

mod app;
mod call;
mod exit;
mod health;
mod log;
mod parse;
mod print;
mod resolve;
mod served;

use std::ffi::OsString;
use std::process::ExitCode;

pub use app::App;
use resolve::Settings;
pub use resolve::WorkerSettings;

/// Does what the command line of this process says, and tells how it went.
pub async fn run(app: App) -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    run_from(app, words).await
}

/// The same for a command line that stands elsewhere. Its first word is the program.
pub async fn run_from(
    app: App,
    words: impl IntoIterator<Item = impl Into<OsString> + Clone> + Send,
) -> ExitCode {
    let line = match parse::line(&app, words) {
        Ok(line) => line,
        // Also what is asked for by `--help` and `--version`.
        Err(told) => return exit::of_parser(&told),
    };
    let settings = match Settings::resolve(&line.global, &line.command) {
        Ok(settings) => settings,
        Err(failed) => return failed.tell(line.global.output.unwrap_or_default()),
    };
    let output = settings.output;
    match call::call(&app, settings, line.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.tell(output),
    }
}
