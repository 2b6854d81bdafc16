//! Which firings have come up, and which of them are to be made up for when nobody was there.

use std::collections::VecDeque;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::calendar::Calendar;
use super::{CatchUp, Timestamp};

/// A firing that is later than this was missed. Workers look every few seconds; this is room for a restart.
const GRACE: Duration = Duration::from_mins(1);
/// Of more firings than this that come up at once, the earlier ones are forgotten and not even counted.
const COUNTED_MAX: usize = 10_000;

/// What has come up since the last look.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Firings to be acted upon, in order.
    pub(super) run: Vec<Timestamp>,
    /// Firings that were missed and are not made up for, in order.
    pub(super) missed: Vec<Timestamp>,
    /// The firing after all of these.
    pub(super) next_at: Option<Timestamp>,
}

/// The times of one schedule, put off by its jitter.
#[derive(Debug)]
pub(super) struct Times<'a> {
    pub(super) calendar: &'a Calendar,
    pub(super) name: &'a str,
    pub(super) jitter: Duration,
}

impl Times<'_> {
    /// When a firing is acted upon: at its time, or a while later that follows from the schedule's name and that time,
    /// so that all workers have the same in mind. Never later than the next firing.
    pub(super) fn acts_at(&self, firing: Timestamp) -> Timestamp {
        if self.jitter.is_zero() {
            return firing;
        }
        let gap = self.calendar.next(firing).map(|next| firing.until(next));
        let most = gap.map_or(self.jitter, |gap| gap.min(self.jitter));
        let digest = Sha256::digest(format!("{}@{}", self.name, firing.as_micros()).as_bytes());
        let draw = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        firing.after(most.mul_f64(f64::from(draw) / f64::from(u32::MAX)))
    }

    /// What has come up between `next_at`, the first firing that was not acted upon, and `now`.
    pub(super) fn due(&self, next_at: Timestamp, catch_up: CatchUp, now: Timestamp) -> Due {
        let mut due = self.since(next_at, now);
        while due.back().is_some_and(|last| self.acts_at(*last) > now) {
            due.pop_back();
        }
        let Some(last) = due.back().copied() else {
            return Due {
                run: Vec::new(),
                missed: Vec::new(),
                next_at: Some(next_at),
            };
        };
        let mut missed: Vec<Timestamp> = due.into();
        let late = missed.partition_point(|firing| self.acts_at(*firing).until(now) > GRACE);
        let kept_from = match catch_up {
            CatchUp::Skip => late,
            CatchUp::Latest if late > 0 => missed.len() - 1,
            CatchUp::Latest => 0,
            CatchUp::All { max } => late.saturating_sub(max as usize),
        };
        Due {
            run: missed.split_off(kept_from),
            missed,
            next_at: self.calendar.next(last),
        }
    }

    /// Firings from `next_at` to `now`, in order. Looked for from their end, where those are that matter.
    fn since(&self, next_at: Timestamp, now: Timestamp) -> VecDeque<Timestamp> {
        let mut found = VecDeque::new();
        let mut last = self.calendar.last(now);
        while let Some(firing) = last.filter(|firing| *firing > next_at) {
            if found.len() == COUNTED_MAX {
                return found;
            }
            found.push_front(firing);
            let before = Timestamp::from_micros(firing.as_micros().saturating_sub(1));
            last = self.calendar.last(before);
        }
        // It was promised, whatever the rules of its zone have become since.
        if next_at <= now {
            found.push_front(next_at);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schedule::Timing;

    const HOUR: u64 = 3_600;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(i64::try_from(seconds * 1_000_000).unwrap())
    }

    fn hourly() -> Calendar {
        Calendar::new(&Timing::Every { seconds: HOUR }, None, None).unwrap()
    }

    fn due(catch_up: CatchUp, now: u64) -> (Vec<u64>, Vec<u64>, u64) {
        let calendar = hourly();
        let times = Times {
            calendar: &calendar,
            name: "s",
            jitter: Duration::ZERO,
        };
        let due = times.due(at(HOUR), catch_up, at(now));
        let seconds = |times: Vec<Timestamp>| {
            times
                .iter()
                .map(|t| t.as_micros().unsigned_abs() / 1_000_000)
                .collect::<Vec<_>>()
        };
        (
            seconds(due.run),
            seconds(due.missed),
            seconds(vec![due.next_at.unwrap()])[0],
        )
    }

    #[test]
    fn what_is_due_follows_from_the_policy_and_the_time() {
        use CatchUp::{All, Latest, Skip};
        let all = |max| All { max };
        let hours = |from: u64, to: u64| (from..=to).map(|n| n * HOUR).collect::<Vec<_>>();
        let none = Vec::<u64>::new;
        for (catch_up, now, run, missed, next) in [
            // Not yet.
            (Latest, HOUR - 1, none(), none(), HOUR),
            // In time, and within the grace: the policy has no say.
            (Skip, HOUR, hours(1, 1), none(), 2 * HOUR),
            (Skip, HOUR + 60, hours(1, 1), none(), 2 * HOUR),
            (Latest, HOUR + 60, hours(1, 1), none(), 2 * HOUR),
            (all(1), HOUR + 60, hours(1, 1), none(), 2 * HOUR),
            // One was missed.
            (Skip, HOUR + 61, none(), hours(1, 1), 2 * HOUR),
            (Latest, HOUR + 61, hours(1, 1), none(), 2 * HOUR),
            (all(1), HOUR + 61, hours(1, 1), none(), 2 * HOUR),
            // Four were missed, and the fifth is in time.
            (Skip, 5 * HOUR + 20, hours(5, 5), hours(1, 4), 6 * HOUR),
            (Latest, 5 * HOUR + 20, hours(5, 5), hours(1, 4), 6 * HOUR),
            (all(2), 5 * HOUR + 20, hours(3, 5), hours(1, 2), 6 * HOUR),
            (all(9), 5 * HOUR + 20, hours(1, 5), none(), 6 * HOUR),
            // Five were missed.
            (Skip, 5 * HOUR + 200, none(), hours(1, 5), 6 * HOUR),
            (Latest, 5 * HOUR + 200, hours(5, 5), hours(1, 4), 6 * HOUR),
            (all(2), 5 * HOUR + 200, hours(4, 5), hours(1, 3), 6 * HOUR),
        ] {
            let case = format!("{catch_up:?} at {now}");
            assert_eq!(due(catch_up, now), (run, missed, next), "{case}");
        }
    }

    #[test]
    fn a_year_of_seconds_is_no_work() {
        let seconds = Calendar::new(&Timing::Every { seconds: 1 }, None, None).unwrap();
        let times = Times {
            calendar: &seconds,
            name: "s",
            jitter: Duration::ZERO,
        };
        let due = times.due(at(1), CatchUp::Latest, at(366 * 86_400));
        assert_eq!(due.run, [at(366 * 86_400)]);
        assert_eq!(due.missed.len(), COUNTED_MAX - 1);
    }

    #[test]
    fn jitter_is_the_same_for_everybody_and_stays_before_the_next_firing() {
        let calendar = hourly();
        let times = |name, hours| Times {
            calendar: &calendar,
            name,
            jitter: Duration::from_hours(hours),
        };
        let mut seen = std::collections::BTreeSet::new();
        for hour in 1..50 {
            let firing = at(hour * HOUR);
            let acts = times("s", 24).acts_at(firing);
            assert_eq!(acts, times("s", 24).acts_at(firing));
            assert!(acts >= firing && acts <= at((hour + 1) * HOUR));
            seen.insert(firing.until(acts));
        }
        assert!(seen.len() > 40, "it is spread: {}", seen.len());
        assert_ne!(
            times("a", 1).acts_at(at(HOUR)),
            times("b", 1).acts_at(at(HOUR))
        );

        // Until it acts, a firing is not due.
        let times = times("s", 1);
        let acts = times.acts_at(at(HOUR));
        let just_before = Timestamp::from_micros(acts.as_micros() - 1);
        assert!(
            times
                .due(at(HOUR), CatchUp::Latest, just_before)
                .run
                .is_empty()
        );
        assert_eq!(times.due(at(HOUR), CatchUp::Latest, acts).run, [at(HOUR)]);
    }
}
