//! How workers stand, and why runs have none.

use std::fmt;

use super::{
    Event, EventKind, Labels, NewWorker, QueueName, Run, Timestamp, Wish, WorkerKey, WorkerRecord,
};

/// How a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkerState {
    /// It takes runs.
    Live,
    /// It takes no more runs, and goes on with those that it has.
    Paused,
    /// It takes no more runs, and ends when it has given back those that it has.
    Draining,
    /// It has signed off.
    Gone,
    /// It was found dead, or its lease has passed.
    Dead,
}

impl WorkerState {
    /// In one word.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkerState::Live => "live",
            WorkerState::Paused => "paused",
            WorkerState::Draining => "draining",
            WorkerState::Gone => "gone",
            WorkerState::Dead => "dead",
        }
    }
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl WorkerRecord {
    /// How it stands at a time on the store's clock.
    pub fn state(&self, now: Timestamp) -> WorkerState {
        match (self.gone_at, self.wish) {
            (Some(_), _) if self.signed_off => WorkerState::Gone,
            (Some(_), _) => WorkerState::Dead,
            (None, _) if self.lease_until < now => WorkerState::Dead,
            (None, Wish::Run) => WorkerState::Live,
            (None, Wish::Pause) => WorkerState::Paused,
            (None, Wish::Drain) => WorkerState::Draining,
        }
    }
}

impl NewWorker {
    /// Whether it has this name, or this key.
    pub fn is(&self, name: &str) -> bool {
        self.name == name || WorkerKey::parse(name) == Some(self.key)
    }
}

/// A queue in which runs wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// What they ask for.
    pub queue: QueueName,
    /// How many, counted up to [`Backlog::COUNTED_MAX`].
    pub runs: u64,
    /// When the run was submitted that is the first in line.
    pub since: Timestamp,
}

impl Backlog {
    /// A count of this means: as many, or more.
    pub const COUNTED_MAX: u64 = 100_000;
}

/// Why no live worker can take runs of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// There is no worker in the pool.
    Pool {
        /// Which one.
        pool: String,
    },
    /// No worker of the pool serves the workflow.
    Workflow {
        /// Which one.
        workflow: String,
        /// The pool.
        pool: String,
    },
    /// The workers of the pool serve other versions of the workflow.
    Version {
        /// The workflow.
        workflow: String,
        /// The version that is asked for.
        version: u32,
        /// Those that are served.
        served: Vec<u32>,
    },
    /// No worker that serves it has the labels.
    Labels {
        /// What is asked for.
        asked: Labels,
        /// The worker that lacks least.
        nearest: String,
        /// What it lacks.
        lacks: Labels,
    },
    /// The workers that could are not taking runs.
    Resting {
        /// They, and how they stand.
        workers: Vec<(String, WorkerState)>,
    },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::Pool { pool } => write!(f, "no live worker is in pool `{pool}`"),
            Lack::Workflow { workflow, pool } => {
                write!(
                    f,
                    "no live worker of pool `{pool}` serves workflow `{workflow}`"
                )
            }
            Lack::Version {
                workflow,
                version,
                served,
            } => {
                let served: Vec<String> = served.iter().map(u32::to_string).collect();
                let served = served.join(", ");
                write!(
                    f,
                    "nobody serves version {version} of workflow `{workflow}`; live workers serve version {served}"
                )
            }
            Lack::Labels {
                asked,
                nearest,
                lacks,
            } => {
                write!(
                    f,
                    "no live worker has labels {{{asked}}}; the nearest, `{nearest}`, lacks {lacks}"
                )
            }
            Lack::Resting { workers } => {
                f.write_str("the workers that could take it do not take runs: ")?;
                for (i, (name, state)) in workers.iter().enumerate() {
                    let gap = if i > 0 { ", " } else { "" };
                    write!(f, "{gap}`{name}` is {state}")?;
                }
                Ok(())
            }
        }
    }
}

/// The queue in which a run is that waits to be claimed: that of the last step that asked for another worker, until the
/// run has slept or was stopped. `events` are all that it has.
pub fn waits_in(run: &Run, events: &[Event]) -> QueueName {
    for event in events.iter().rev() {
        match &event.kind {
            EventKind::HandedOver { pool, labels, .. } => {
                return QueueName {
                    pool: pool.clone(),
                    labels: labels.clone(),
                    ..run.home()
                };
            }
            EventKind::Parked { .. } | EventKind::Paused | EventKind::Retried { .. } => break,
            _ => {}
        }
    }
    run.home()
}

/// Why no live worker can take runs of this queue; none where one can.
pub fn lack(queue: &QueueName, workers: &[WorkerRecord], now: Timestamp) -> Option<Lack> {
    let there = |w: &&WorkerRecord| {
        !matches!(w.state(now), WorkerState::Gone | WorkerState::Dead)
            && w.registered.pool == queue.pool
    };
    let in_pool: Vec<&WorkerRecord> = workers.iter().filter(there).collect();
    if in_pool.is_empty() {
        let pool = queue.pool.clone();
        return Some(Lack::Pool { pool });
    }
    let served = in_pool.iter().flat_map(|w| &w.registered.program.workflows);
    let mut versions: Vec<u32> = served
        .filter(|served| served.name == queue.workflow)
        .map(|served| served.version)
        .collect();
    versions.sort_unstable();
    versions.dedup();
    if versions.is_empty() {
        return Some(Lack::Workflow {
            workflow: queue.workflow.clone(),
            pool: queue.pool.clone(),
        });
    }
    if !versions.contains(&queue.version) {
        return Some(Lack::Version {
            workflow: queue.workflow.clone(),
            version: queue.version,
            served: versions,
        });
    }
    let serves = |w: &&&WorkerRecord| {
        let workflows = &mut w.registered.program.workflows.iter();
        workflows.any(|s| s.name == queue.workflow && s.version == queue.version)
    };
    let serving: Vec<&WorkerRecord> = in_pool.iter().filter(serves).copied().collect();
    let lacks = |w: &WorkerRecord| w.registered.labels.lack(&queue.labels);
    let able: Vec<&WorkerRecord> = serving
        .iter()
        .filter(|w| lacks(w).is_empty())
        .copied()
        .collect();
    if able.is_empty() {
        let nearest = serving
            .into_iter()
            .min_by_key(|w| (lacks(w).len(), w.registered.name.clone()))?;
        return Some(Lack::Labels {
            asked: queue.labels.clone(),
            nearest: nearest.registered.name.clone(),
            lacks: lacks(nearest),
        });
    }
    let states: Vec<(String, WorkerState)> = able
        .iter()
        .map(|w| (w.registered.name.clone(), w.state(now)))
        .collect();
    if states.iter().any(|(_, state)| *state == WorkerState::Live) {
        return None;
    }
    Some(Lack::Resting { workers: states })
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::Program;
    use super::*;

    /// A live worker with ten slots, which serves `article` in its first version.
    pub(in crate::model) fn worker(name: &str) -> WorkerRecord {
        WorkerRecord {
            registered: NewWorker {
                key: WorkerKey::generate(),
                name: name.to_owned(),
                exclusive: false,
                pool: "default".to_owned(),
                labels: Labels::new(),
                slots: 10,
                lease: Duration::from_secs(30),
                host: String::new(),
                program: Program {
                    workflows: vec!["article".into()],
                    ..Program::default()
                },
            },
            started_at: Timestamp::from_micros(0),
            seen_at: Timestamp::from_micros(0),
            lease_until: Timestamp::from_micros(30_000_000),
            gone_at: None,
            signed_off: false,
            wish: Wish::Run,
            running: Vec::new(),
        }
    }

    fn labelled(name: &str, labels: serde_json::Value) -> WorkerRecord {
        let mut worker = worker(name);
        worker.registered.labels = Labels::from_json(labels).unwrap();
        worker
    }

    fn asked(labels: serde_json::Value) -> QueueName {
        QueueName {
            workflow: "article".to_owned(),
            version: 1,
            pool: "default".to_owned(),
            labels: Labels::from_json(labels).unwrap(),
        }
    }

    fn said(queue: &QueueName, workers: &[WorkerRecord]) -> String {
        lack(queue, workers, Timestamp::from_micros(1)).map_or_else(String::new, |l| l.to_string())
    }

    #[test]
    fn what_is_missing_is_said_in_words() {
        let queue = asked(json!({"gpu": true, "zone": "eu"}));
        let mut dead = labelled("dead", json!({"gpu": true, "zone": "eu"}));
        dead.lease_until = Timestamp::from_micros(0);
        assert_eq!(said(&queue, &[dead]), "no live worker is in pool `default`");

        let workers = [worker("w1"), labelled("w2", json!({"gpu": true}))];
        assert_eq!(
            said(&queue, &workers),
            "no live worker has labels {gpu=true zone=eu}; the nearest, `w2`, lacks zone=eu"
        );
        let queue = QueueName {
            version: 3,
            ..asked(json!({}))
        };
        assert_eq!(
            said(&queue, &workers),
            "nobody serves version 3 of workflow `article`; live workers serve version 1"
        );
        let queue = QueueName {
            workflow: "letter".to_owned(),
            ..asked(json!({}))
        };
        assert_eq!(
            said(&queue, &workers),
            "no live worker of pool `default` serves workflow `letter`"
        );
        let mut paused = worker("w1");
        paused.wish = Wish::Pause;
        let queue = asked(json!({}));
        assert_eq!(
            said(&queue, &[paused.clone()]),
            "the workers that could take it do not take runs: `w1` is paused"
        );
        assert_eq!(said(&queue, &[paused, worker("w2")]), "");
    }
}
