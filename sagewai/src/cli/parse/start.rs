//! `start`.

use std::time::Duration;

use clap::Args;

use super::values::{duration, label};
use crate::model::Label;

/// Start a run, and print its id; with --wait, print what it returned
///
/// Started again under the same id with the same input, it attaches to the run that is there.
#[derive(Debug, Args)]
pub(in crate::cli) struct Start {
    /// Which workflow
    pub(in crate::cli) workflow: String,
    /// Its arguments, a JSON object keyed by parameter name; @FILE reads a file, - reads stdin
    #[arg(long, short, value_name = "JSON", default_value = "{}")]
    pub(in crate::cli) input: String,
    /// The run's id [default: a new one]
    #[arg(long, value_name = "RUN")]
    pub(in crate::cli) id: Option<String>,
    /// The pool whose workers may serve it [default: what the workflow says]
    #[arg(long)]
    pub(in crate::cli) pool: Option<String>,
    /// Something its worker must have, as in gpu=true; again for more
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub(in crate::cli) labels: Vec<(String, Label)>,
    /// Higher ones are claimed first [default: 0]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(in crate::cli) priority: Option<i16>,
    /// How long it stays out of the queue
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(in crate::cli) delay: Option<Duration>,
    /// Wait until it is over; tell on stderr how it goes
    #[arg(long)]
    pub(in crate::cli) wait: bool,
    /// How long to wait at most; the run goes on behind that [default: without end]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "wait")]
    pub(in crate::cli) timeout: Option<Duration>,
}

pub(super) fn examples(app: &str) -> String {
    format!(
        "Examples:
  {app} start article --input '{{\"topic\": \"tides\"}}'
  {app} start article --id article-7 --input @article.json --wait --timeout 5m
  {app} start render --pool gpu --label gpu=true --priority 10 --delay 1h"
    )
}
