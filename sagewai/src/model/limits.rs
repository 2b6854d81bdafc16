//! How many runs of a workflow may be driven at once, and how many may begin in a time: which queued ones a claim may
//! take. The rule for all stores.

use std::collections::HashMap;
use std::time::Duration;

use super::{Claimed, RunKey, ServedWorkflow, Timestamp};

/// So many runs may begin within any stretch of time of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub runs: u32,
    /// In which time.
    pub per: Duration,
}

/// The limits of a workflow, over all workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many of its runs may be driven at once.
    pub concurrency: Option<u32>,
    /// How many of one concurrency key.
    pub concurrency_per_key: Option<u32>,
    /// How many may begin.
    pub rate: Option<Rate>,
    /// How many of one concurrency key.
    pub rate_per_key: Option<Rate>,
}

impl Limits {
    /// Whether there is any.
    pub fn are_any(&self) -> bool {
        self.concurrency.is_some() || self.rate.is_some() || self.are_per_key()
    }

    /// How many runs of one key a claim can take at most, of so many.
    pub fn most_of_a_key(&self, wanted: usize) -> usize {
        let rate = self.rate_per_key.map(|rate| rate.runs);
        let most = self.concurrency_per_key.into_iter().chain(rate).min();
        most.map_or(wanted, |most| wanted.min(most as usize))
    }

    /// Whether a concurrency key means anything.
    pub fn are_per_key(&self) -> bool {
        self.concurrency_per_key.is_some() || self.rate_per_key.is_some()
    }
}

/// A workflow with limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limited {
    /// Its name.
    pub workflow: String,
    /// Its version. Runs of all versions count.
    pub version: u32,
    /// They are.
    pub limits: Limits,
}

impl Limited {
    /// The workflow.
    pub fn served(&self) -> ServedWorkflow {
        ServedWorkflow {
            name: self.workflow.clone(),
            version: self.version,
        }
    }
}

/// What a claim of workflows with limits took.
#[derive(Debug, Default)]
pub struct LimitedClaim {
    /// The runs.
    pub runs: Vec<Claimed>,
    /// When a rate lets the next one begin.
    pub again: Option<Duration>,
}

/// What of its limits a workflow has used up. Keys are lanes: `""` is that of runs without a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    running: HashMap<String, u32>,
    /// First claims that still count, with when they no longer do; `""` is the whole workflow.
    begun: HashMap<String, Vec<(Timestamp, u32)>>,
}

/// A queued run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its concurrency key, or `""`.
    pub lane: String,
    /// Which one.
    pub run: RunKey,
    /// Whether no worker has taken it yet.
    pub first: bool,
}

/// What may be taken of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    /// These, in order.
    pub runs: Vec<RunKey>,
    /// When a rate lets the next one begin, where one is held back by a rate.
    pub again_at: Option<Timestamp>,
}

impl Usage {
    /// So many more runs of a lane are driven.
    pub fn add_running(&mut self, lane: &str, runs: u32) {
        *self.running.entry(lane.to_owned()).or_default() += runs;
    }

    /// So many more have begun, which count until then. Lane `""` is the whole workflow.
    pub fn add_begun(&mut self, lane: &str, until: Timestamp, runs: u32) {
        let begun = self.begun.entry(lane.to_owned()).or_default();
        begun.push((until, runs));
    }

    /// How many more runs can be driven at once.
    pub fn room(&self, limits: &Limits) -> u32 {
        let used = self.running.values().sum::<u32>();
        limits
            .concurrency
            .map_or(u32::MAX, |most| most.saturating_sub(used))
    }

    /// Lanes of which nothing can be driven beside what is.
    pub fn full_lanes(&self, limits: &Limits) -> Vec<String> {
        let lanes = self.running.keys();
        let full = lanes.filter(|lane| self.room_of(limits, lane) == 0);
        full.cloned().collect()
    }

    /// Lanes of which nothing can begin, each with when it can.
    pub fn paced_lanes(&self, limits: &Limits) -> Vec<(String, Timestamp)> {
        let lanes = self.begun.keys().filter(|lane| !lane.is_empty());
        let paced = lanes.filter_map(|lane| Some((lane.clone(), self.free_at_of(limits, lane)?)));
        paced.collect()
    }

    /// When a run of the workflow can begin, where its rate is used up.
    pub fn free_at(&self, limits: &Limits) -> Option<Timestamp> {
        self.used_up_until(limits.rate?, "")
    }

    /// Takes those that keep all limits, in their order, up to `most`.
    pub fn admit(
        mut self,
        limits: &Limits,
        queued: &[Candidate],
        most: usize,
        now: Timestamp,
    ) -> Admitted {
        let mut admitted = Admitted::default();
        for candidate in queued {
            if admitted.runs.len() == most || self.room(limits) == 0 {
                break;
            }
            let lane = candidate.lane.as_str();
            if self.room_of(limits, lane) == 0 {
                continue;
            }
            if candidate.first {
                let held_until = self.free_at(limits).max(self.free_at_of(limits, lane));
                if let Some(until) = held_until {
                    admitted.hold_until(until);
                    continue;
                }
                if let Some(rate) = limits.rate {
                    self.add_begun("", now.after(rate.per), 1);
                }
                if let Some(rate) = limits.rate_per_key.filter(|_| !lane.is_empty()) {
                    self.add_begun(lane, now.after(rate.per), 1);
                }
            }
            self.add_running(lane, 1);
            admitted.runs.push(candidate.run);
        }
        admitted
    }

    fn room_of(&self, limits: &Limits, lane: &str) -> u32 {
        match limits.concurrency_per_key {
            Some(most) if !lane.is_empty() => {
                most.saturating_sub(self.running.get(lane).copied().unwrap_or(0))
            }
            _ => u32::MAX,
        }
    }

    fn free_at_of(&self, limits: &Limits, lane: &str) -> Option<Timestamp> {
        let rate = limits.rate_per_key.filter(|_| !lane.is_empty())?;
        self.used_up_until(rate, lane)
    }

    /// From the last one back: where there are as many as may be, the oldest of these makes room.
    fn used_up_until(&self, rate: Rate, lane: &str) -> Option<Timestamp> {
        let mut begun = self.begun.get(lane)?.clone();
        begun.sort_unstable_by(|a, b| b.cmp(a));
        let mut counted = 0;
        let oldest = begun.into_iter().find(|(_, runs)| {
            counted += runs;
            counted >= rate.runs
        });
        oldest.map(|(until, _)| until)
    }
}

impl Admitted {
    /// Something is held back until then.
    pub fn hold_until(&mut self, until: Timestamp) {
        self.again_at = Some(self.again_at.map_or(until, |at| at.min(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    fn queued(lanes: &[&str]) -> Vec<Candidate> {
        let lanes = lanes.iter();
        lanes
            .map(|lane| Candidate {
                lane: (*lane).to_owned(),
                run: RunId::generate().key(),
                first: true,
            })
            .collect()
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn rate(runs: u32) -> Rate {
        let per = Duration::from_secs(1);
        Rate { runs, per }
    }

    /// Which of the queued runs are taken.
    fn taken(usage: &Usage, limits: &Limits, queued: &[Candidate], most: usize) -> Vec<usize> {
        let admitted = usage.clone().admit(limits, queued, most, at(1));
        let place = |run: &RunKey| queued.iter().position(|c| c.run == *run).unwrap();
        admitted.runs.iter().map(place).collect()
    }

    #[test]
    fn full_lane_is_passed_over_and_a_full_workflow_takes_nothing() {
        let limits = Limits {
            concurrency: Some(4),
            concurrency_per_key: Some(2),
            ..Limits::default()
        };
        let mut usage = Usage::default();
        usage.add_running("a", 1);
        let queue = queued(&["a", "a", "b", "", "c"]);
        assert_eq!(taken(&usage, &limits, &queue, 9), [0, 2, 3]);
        assert_eq!(taken(&usage, &limits, &queue, 1), [0]);
        usage.add_running("", 3);
        assert_eq!(taken(&usage, &limits, &queue, 9), [0_usize; 0]);
        usage.add_running("a", 1);
        assert_eq!(usage.full_lanes(&limits), ["a"]);
    }

    #[test]
    fn rate_holds_back_what_begins_and_nothing_else() {
        let limits = Limits {
            rate: Some(rate(3)),
            ..Limits::default()
        };
        let mut usage = Usage::default();
        usage.add_begun("", at(5), 1);
        usage.add_begun("", at(9), 1);
        let mut queue = queued(&["", "", ""]);
        queue[2].first = false;
        assert_eq!(taken(&usage, &limits, &queue, 9), [0, 2]);
        usage.add_begun("", at(7), 2);
        // With those of 9 and of 7 there are three, so only the end of 7 makes room.
        assert_eq!(usage.free_at(&limits), Some(at(7)));
        let admitted = usage.admit(&limits, &queue, 9, at(1));
        assert_eq!(admitted.runs, [queue[2].run]);
        assert_eq!(admitted.again_at, Some(at(7)));
    }

    #[test]
    fn rate_of_a_key_holds_back_that_key() {
        let limits = Limits {
            rate_per_key: Some(rate(1)),
            ..Limits::default()
        };
        let mut usage = Usage::default();
        usage.add_begun("a", at(5), 1);
        let queue = queued(&["a", "b", "b", "", ""]);
        assert_eq!(taken(&usage, &limits, &queue, 9), [1, 3, 4]);
        assert_eq!(usage.paced_lanes(&limits), [("a".to_owned(), at(5))]);
    }
}
