//! `graph`.

use clap::{Args, ValueEnum};

/// Print what a workflow will do, as far as it is known before it runs
#[derive(Debug, Args)]
pub(in crate::cli) struct Graph {
    /// Which workflow
    pub(in crate::cli) workflow: String,
    /// How [default: text, and json with --output json]
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    Text,
    Mermaid,
    Dot,
    Json,
}

pub(super) fn examples(app: &str) -> String {
    format!(
        "Examples:
  {app} graph article
  {app} graph article --format dot | dot -Tsvg > article.svg"
    )
}
