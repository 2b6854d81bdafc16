//! Logs on stderr, where the binary has not set up its own.

use std::env;
use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use super::exit::Failed;
use super::parse::LogFormat;

/// Begins to log. A subscriber that the binary has installed stays.
pub(super) fn begin(levels: &str, format: LogFormat) -> Result<(), Failed> {
    let filter = EnvFilter::try_new(levels).map_err(|error| {
        Failed::usage(format!("the log levels `{levels}` cannot be used: {error}"))
            .hint("write `info`, or by module as in `sagewai=debug,info`")
    })?;
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal() && !no_color);
    // It fails where there is a subscriber already, which is the one to use then.
    let _ = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    Ok(())
}
