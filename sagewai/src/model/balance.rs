//! Which worker a run is meant for.

use std::cmp::Ordering;
use std::time::Duration;

use uuid::Uuid;

use super::{Labels, ServedWorkflow, Timestamp, WorkerKey, WorkerRecord, WorkerState};

/// How a balancer chooses among the workers that fit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum Balancing {
    /// The worker that the constraints name, and none where they name none.
    Direct,
    /// One after the other, by their names.
    RoundRobin,
    /// The one with the smallest part of its slots taken. The default.
    #[default]
    LeastLoaded,
    /// The same, where less than this part of its slots is taken; none where all have more to do.
    Threshold(f64),
}

/// What a run asks of the worker that it is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraints {
    /// Its pool.
    pub pool: String,
    /// Labels that it must have.
    pub labels: Labels,
    /// A workflow that it must serve.
    pub workflow: Option<ServedWorkflow>,
    /// Its name or its key.
    pub worker: Option<String>,
}

impl Constraints {
    /// Whether a worker that is there may be chosen.
    fn fit(&self, worker: &WorkerRecord) -> bool {
        let registered = &worker.registered;
        let serves = |workflow| registered.program.workflows.contains(workflow);
        self.pool == registered.pool
            && registered.labels.contain(&self.labels)
            && self.workflow.as_ref().is_none_or(serves)
            && self.worker.as_ref().is_none_or(|name| registered.is(name))
    }
}

/// A choice that is to be made and kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigning {
    /// The id of the choice.
    pub id: Uuid,
    /// What is asked of the worker.
    pub constraints: Constraints,
    /// How to choose.
    pub balancing: Balancing,
    /// The worker that was chosen last: its name and key.
    pub last: Option<(String, WorkerKey)>,
    /// How long it holds: from now until the run is started, and again from then until it is claimed.
    pub lasts: Duration,
}

/// A choice that was made: the worker that a run is meant for, as long as it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Unique among those of the worker.
    pub id: Uuid,
    /// The worker.
    pub worker: WorkerKey,
    /// Its name.
    pub name: String,
    /// How long it holds.
    pub lasts: Duration,
}

/// A worker, and what it has to do.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerLoad {
    /// The worker.
    pub worker: WorkerRecord,
    /// Runs that it drives, and those that are meant for it and that it has not claimed.
    pub runs: u64,
}

impl WorkerLoad {
    /// The part of its slots that is taken.
    fn load(&self) -> f64 {
        // More than 2^52 runs are not driven by anybody.
        #[expect(clippy::cast_precision_loss, reason = "counts of runs are small")]
        let runs = self.runs as f64;
        runs / f64::from(self.worker.registered.slots.max(1))
    }

    fn name(&self) -> (&str, WorkerKey) {
        let registered = &self.worker.registered;
        (&registered.name, registered.key)
    }

    fn assigned(&self, ask: &Assigning) -> Assigned {
        let (name, worker) = self.name();
        Assigned {
            id: ask.id,
            worker,
            name: name.to_owned(),
            lasts: ask.lasts,
        }
    }
}

/// Chooses a worker; none where no live one fits, or where all that fit have too much to do.
pub fn choose(
    ask: &Assigning,
    mut candidates: Vec<WorkerLoad>,
    now: Timestamp,
) -> Option<Assigned> {
    candidates.retain(|candidate| {
        let worker = &candidate.worker;
        worker.state(now) == WorkerState::Live && ask.constraints.fit(worker)
    });
    candidates.sort_by(|a, b| a.name().cmp(&b.name()));
    let by_load = |a: &&WorkerLoad, b: &&WorkerLoad| {
        let load = a.load().partial_cmp(&b.load()).unwrap_or(Ordering::Equal);
        load.then_with(|| a.name().cmp(&b.name()))
    };
    let least_loaded = || candidates.iter().min_by(by_load);
    let chosen = if ask.constraints.worker.is_some() {
        candidates.first()
    } else {
        match ask.balancing {
            Balancing::Direct => None,
            Balancing::RoundRobin => {
                let last = ask.last.as_ref().map(|(name, key)| (name.as_str(), *key));
                let after =
                    |candidate: &&WorkerLoad| last.is_none_or(|last| candidate.name() > last);
                candidates.iter().find(after).or(candidates.first())
            }
            Balancing::LeastLoaded => least_loaded(),
            Balancing::Threshold(most) => least_loaded().filter(|least| least.load() < most),
        }
    };
    chosen.map(|chosen| chosen.assigned(ask))
}

#[cfg(test)]
mod tests {
    use super::super::fleet::tests::worker;
    use super::*;

    fn ask(balancing: Balancing) -> Assigning {
        Assigning {
            id: Uuid::nil(),
            constraints: Constraints {
                pool: "default".to_owned(),
                labels: Labels::new(),
                workflow: None,
                worker: None,
            },
            balancing,
            last: None,
            lasts: Duration::from_secs(5),
        }
    }

    fn busy(name: &str, runs: u64) -> WorkerLoad {
        WorkerLoad {
            worker: worker(name),
            runs,
        }
    }

    fn chosen(ask: &Assigning, candidates: &[WorkerLoad]) -> Option<String> {
        choose(ask, candidates.to_vec(), Timestamp::from_micros(1)).map(|chosen| chosen.name)
    }

    #[test]
    fn least_loaded_counts_parts_of_the_slots() {
        let mut large = busy("w1", 5);
        large.worker.registered.slots = 100;
        let small = busy("w2", 1);
        let found = chosen(&ask(Balancing::LeastLoaded), &[small, large]);
        assert_eq!(found.as_deref(), Some("w1"));
    }

    #[test]
    fn threshold_gives_nobody_where_all_have_as_much_to_do() {
        let at = |runs| chosen(&ask(Balancing::Threshold(0.9)), &[busy("w1", runs)]);
        assert_eq!(at(8).as_deref(), Some("w1"));
        assert_eq!(at(9), None);
    }

    #[test]
    fn round_robin_goes_by_name_and_begins_anew() {
        let workers = [busy("w3", 0), busy("w1", 0), busy("w2", 0)];
        let mut ask = ask(Balancing::RoundRobin);
        let mut names = Vec::new();
        for _ in 0..6 {
            let next = choose(&ask, workers.to_vec(), Timestamp::from_micros(1)).unwrap();
            ask.last = Some((next.name.clone(), next.worker));
            names.push(next.name);
        }
        assert_eq!(names, ["w1", "w2", "w3", "w1", "w2", "w3"]);
    }

    #[test]
    fn direct_takes_the_worker_that_is_named_or_nobody() {
        let mut ask = ask(Balancing::Direct);
        let workers = [busy("w1", 0), busy("w2", 9)];
        assert_eq!(chosen(&ask, &workers), None);
        ask.constraints.worker = Some("w2".to_owned());
        assert_eq!(chosen(&ask, &workers).as_deref(), Some("w2"));
        ask.constraints.worker = Some("w9".to_owned());
        assert_eq!(chosen(&ask, &workers), None);
    }

    #[test]
    fn workers_that_are_gone_paused_or_elsewhere_are_not_chosen() {
        let mut paused = busy("w1", 0);
        paused.worker.wish = super::super::Wish::Pause;
        let mut gone = busy("w2", 0);
        gone.worker.gone_at = Some(Timestamp::from_micros(1));
        let mut elsewhere = busy("w3", 0);
        elsewhere.worker.registered.pool = "gpu".to_owned();
        let found = chosen(&ask(Balancing::LeastLoaded), &[paused, gone, elsewhere]);
        assert_eq!(found, None);
    }
}
