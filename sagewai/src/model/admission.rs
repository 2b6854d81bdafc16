//! Starts that look at other runs first: how many wait already, and whether one of them takes the arguments instead.

use std::time::Duration;

use super::{Invalid, RunId, RunKey, RunState, Started, Timestamp};

/// Under which conditions a run is created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartRules {
    /// How many runs of the workflow may wait for a worker, this one among them.
    pub depth_max: Option<u32>,
    /// Which run that has not begun takes the arguments instead.
    pub debounce: Option<Debounce>,
}

impl StartRules {
    /// Whether there are none, so that a run is created without a look at others.
    pub fn is_empty(&self) -> bool {
        *self == StartRules::default()
    }
}

/// Several starts that become one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debounce {
    /// What they have in common, besides the workflow.
    pub key: String,
    /// How long after the last of them the run begins.
    pub period: Duration,
    /// How long after the first of them it begins at the latest.
    pub longest: Option<Duration>,
}

impl Debounce {
    /// When the run begins, where the first start was at `since` and the last one is now; none where that is at once.
    pub fn due_at(&self, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let due = now.after(self.period);
        let due = self
            .longest
            .map_or(due, |longest| due.min(since.after(longest)));
        (due > now).then_some(due)
    }
}

/// What became of a start under rules.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// As without rules.
    Started(Started),
    /// A run that had not begun has taken the arguments.
    Replaced {
        /// Which one.
        run: RunId,
    },
    /// Nothing was created: too many wait.
    Full {
        /// How many wait.
        depth: u32,
        /// How many may.
        limit: u32,
    },
}

/// Whether a run can still take other arguments: no worker has seen it.
pub fn has_not_begun(state: RunState, epoch: i32) -> bool {
    state == RunState::Pending && epoch == 0
}

/// Which run takes the arguments of starts with one key, and when the first of them was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debounced {
    /// The run.
    pub run: RunKey,
    /// The first start.
    pub since: Timestamp,
}

/// Checks the key of an idempotent or of a debounced start: 1 to 200 bytes, by the rule of names.
pub fn start_key(what: &'static str, value: &str) -> Result<(), Invalid> {
    super::ids::check(what, value, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_puts_the_run_off_up_to_the_longest_wait() {
        let at = |seconds| Timestamp::from_micros(0).after(Duration::from_secs(seconds));
        let mut debounce = Debounce {
            key: "k".to_owned(),
            period: Duration::from_secs(10),
            longest: None,
        };
        assert_eq!(debounce.due_at(at(0), at(0)), Some(at(10)));
        assert_eq!(debounce.due_at(at(0), at(100)), Some(at(110)));
        debounce.longest = Some(Duration::from_secs(25));
        assert_eq!(debounce.due_at(at(0), at(9)), Some(at(19)));
        assert_eq!(debounce.due_at(at(0), at(18)), Some(at(25)));
        assert_eq!(debounce.due_at(at(0), at(25)), None);
    }
}
