//! `worker`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::values::{duration, label};
use crate::model::Label;

/// Claim runs and drive them until SIGTERM or Ctrl-C
///
/// It then finishes the steps that it executes, up to the drain timeout, and hands all other runs back at once. A second
/// signal hands everything back now.
#[derive(Debug, Args)]
pub(in crate::cli) struct Worker {
    /// Its name, for people [default: from the process id]
    #[arg(long, env = "SAGEWAI_NAME", hide_env_values = true)]
    pub(in crate::cli) name: Option<String>,
    /// The pool whose runs it serves [default: default]
    #[arg(long, env = "SAGEWAI_POOL", hide_env_values = true)]
    pub(in crate::cli) pool: Option<String>,
    /// Something it offers, as in gpu=true or zone=eu; again for more, or with commas
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label, value_delimiter = ',', env = "SAGEWAI_LABELS", hide_env_values = true)]
    pub(in crate::cli) labels: Vec<(String, Label)>,
    /// How many runs it drives at once [default: 100]
    #[arg(
        long,
        value_name = "RUNS",
        env = "SAGEWAI_CONCURRENCY",
        hide_env_values = true
    )]
    pub(in crate::cli) concurrency: Option<usize>,
    /// How long its runs stay its own after its last heartbeat [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration, env = "SAGEWAI_LEASE", hide_env_values = true)]
    pub(in crate::cli) lease: Option<Duration>,
    /// How often it extends its lease [default: a third of the lease, at most 10s]
    #[arg(long, value_name = "TIME", value_parser = duration, env = "SAGEWAI_HEARTBEAT_INTERVAL", hide_env_values = true)]
    pub(in crate::cli) heartbeat_interval: Option<Duration>,
    /// How often it looks for work when no hint comes [default: with its heartbeats]
    #[arg(long, value_name = "TIME", value_parser = duration, env = "SAGEWAI_POLL_INTERVAL", hide_env_values = true)]
    pub(in crate::cli) poll_interval: Option<Duration>,
    /// How long a shutdown waits for steps [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration, env = "SAGEWAI_DRAIN_TIMEOUT", hide_env_values = true)]
    pub(in crate::cli) drain_timeout: Option<Duration>,
    /// Where to answer probes over HTTP, as in 127.0.0.1:9090: /healthz, /readyz [default: nowhere]
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "SAGEWAI_HEALTH",
        hide_env_values = true
    )]
    pub(in crate::cli) health: Option<SocketAddr>,
}

pub(super) fn examples(app: &str) -> String {
    format!(
        "Examples:
  {app} worker --store postgres://app@db.example/app
  {app} worker --pool gpu --label gpu=true --label zone=eu --concurrency 4
  SAGEWAI_STORE=postgres://app@db.example/app {app} worker --lease 10s --health 127.0.0.1:9090"
    )
}
