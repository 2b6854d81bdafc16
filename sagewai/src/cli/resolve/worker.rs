//! What a worker is to be, by flags, environment and file.

use std::net::SocketAddr;
use std::time::Duration;

use super::file::WorkerTable;
use crate::cli::exit::Failed;
use crate::cli::parse::Worker;
use crate::error::Error;
use crate::model::Labels;
use crate::worker::WorkerBuilder;
use crate::workflow::DEFAULT_POOL;

/// What flags, environment and file say of a worker. What nobody has said is none, and has the library's default.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct WorkerSettings {
    /// Its name.
    pub name: Option<String>,
    /// The pool whose runs it serves.
    pub pool: String,
    /// What it offers: those of the flags or the environment, else those of the file.
    pub labels: Labels,
    /// How many runs it drives at once.
    pub concurrency: Option<usize>,
    /// How long its runs stay its own after its last heartbeat.
    pub lease: Option<Duration>,
    /// How often it extends its lease; where only the lease was said, a third of it, at most 10 seconds.
    pub heartbeat_interval: Option<Duration>,
    /// How often it looks for work when no hint comes.
    pub poll_interval: Option<Duration>,
    /// How long a shutdown waits for steps.
    pub drain_timeout: Option<Duration>,
    /// Where it answers probes.
    pub health: Option<SocketAddr>,
}

impl WorkerSettings {
    pub(super) fn resolve(typed: &Worker, file: &WorkerTable) -> Result<WorkerSettings, Failed> {
        let labels = if typed.labels.is_empty() {
            file.labels.clone()
        } else {
            let mut labels = Labels::new();
            for (key, value) in typed.labels.clone() {
                labels.insert(key, value);
            }
            labels
        };
        labels.check().map_err(Error::from)?;
        let pool = typed.pool.clone().or_else(|| file.pool.clone());
        let lease = typed.lease.or(file.lease);
        let heartbeat_interval = typed.heartbeat_interval.or(file.heartbeat_interval);
        Ok(WorkerSettings {
            name: typed.name.clone().or_else(|| file.name.clone()),
            pool: pool.unwrap_or_else(|| DEFAULT_POOL.to_owned()),
            labels,
            concurrency: typed.concurrency.or(file.concurrency),
            lease,
            heartbeat_interval: heartbeat_interval
                .or_else(|| lease.map(|lease| (lease / 3).min(Duration::from_secs(10)))),
            poll_interval: typed.poll_interval.or(file.poll_interval),
            drain_timeout: typed.drain_timeout.or(file.drain_timeout),
            health: typed.health.or(file.health),
        })
    }

    pub(in crate::cli) fn apply(&self, worker: WorkerBuilder) -> WorkerBuilder {
        let mut worker = worker.pool(&self.pool);
        if let Some(name) = &self.name {
            worker = worker.name(name);
        }
        for (key, value) in self.labels.iter() {
            worker = worker.label(key, value.clone());
        }
        if let Some(runs) = self.concurrency {
            worker = worker.concurrency(runs);
        }
        if let Some(time) = self.lease {
            worker = worker.lease(time);
        }
        if let Some(time) = self.heartbeat_interval {
            worker = worker.heartbeat_interval(time);
        }
        if let Some(time) = self.poll_interval {
            worker = worker.poll_interval(time);
        }
        if let Some(time) = self.drain_timeout {
            worker = worker.drain_timeout(time);
        }
        worker
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::App;
    use crate::cli::parse::{self, Command};

    fn typed(words: &[&str]) -> Worker {
        let words = ["demo", "worker"].iter().chain(words);
        let line = parse::line(&App::new("demo"), words).unwrap();
        match line.command {
            Command::Worker(worker) => worker,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file = WorkerTable {
            pool: Some("of-file".to_owned()),
            concurrency: Some(7),
            ..WorkerTable::default()
        };
        let resolve = |words: &[&str]| WorkerSettings::resolve(&typed(words), &file).unwrap();
        let found = resolve(&["--pool", "typed"]);
        assert_eq!((found.pool.as_str(), found.concurrency), ("typed", Some(7)));
        let found = resolve(&["--concurrency", "3"]);
        assert_eq!(
            (found.pool.as_str(), found.concurrency),
            ("of-file", Some(3))
        );
        let bare = WorkerSettings::resolve(&typed(&[]), &WorkerTable::default()).unwrap();
        assert_eq!(bare.pool, "default");
        assert_eq!((bare.lease, bare.heartbeat_interval), (None, None));
    }

    #[test]
    fn labels_come_one_by_one_or_with_commas() {
        let found = WorkerSettings::resolve(
            &typed(&["--label", "gpu=true,gpus=4", "--label", "zone=eu"]),
            &WorkerTable::default(),
        );
        assert_eq!(found.unwrap().labels.to_string(), "gpu=true gpus=4 zone=eu");
    }

    #[test]
    fn heartbeat_follows_a_lease_that_was_said() {
        for (lease, heartbeat) in [("9s", 3), ("30s", 10), ("5m", 10)] {
            let worker = typed(&["--lease", lease]);
            let found = WorkerSettings::resolve(&worker, &WorkerTable::default()).unwrap();
            assert_eq!(
                found.heartbeat_interval,
                Some(Duration::from_secs(heartbeat))
            );
        }
    }
}
