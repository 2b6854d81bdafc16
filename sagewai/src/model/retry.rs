//! When the next attempt of a step begins.

use std::time::Duration;

/// The longest pause between two attempts, however often it doubled.
pub(crate) const LONGEST: Duration = Duration::from_hours(1);

/// The pause after the attempt that failed, counted from 1: `delay` grows by `backoff` each time, up to an hour
/// (or `delay` itself, where that is longer), and `chance` (0 to 1) adds up to a tenth, so that runs that failed
/// together do not come back together. The pause is never shorter than asked for.
pub(crate) fn pause(delay: Duration, backoff: f64, failed_attempt: u32, chance: f64) -> Duration {
    let power = i32::try_from(failed_attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let longest = LONGEST.max(delay).as_secs_f64();
    let grown = (delay.as_secs_f64() * backoff.powi(power)).min(longest);
    Duration::try_from_secs_f64(grown * (1.0 + chance.clamp(0.0, 1.0) / 10.0)).unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Duration = Duration::from_secs(2);

    #[test]
    fn pause_grows_and_is_never_shorter_than_asked() {
        assert_eq!(pause(TWO, 2.0, 1, 0.0), TWO);
        assert_eq!(pause(TWO, 2.0, 3, 0.0), Duration::from_secs(8));
        assert_eq!(pause(TWO, 1.0, 9, 0.0), TWO);
        let jittered = pause(TWO, 2.0, 1, 0.5);
        assert!(jittered > TWO && jittered <= TWO.mul_f64(1.1));
    }

    #[test]
    fn pause_has_a_ceiling_that_respects_longer_delays() {
        assert_eq!(pause(TWO, 2.0, 4_000_000_000, 0.0), LONGEST);
        let day = Duration::from_hours(24);
        assert_eq!(pause(day, 2.0, 5, 0.0), day);
        assert_eq!(pause(Duration::ZERO, 2.0, 5, 1.0), Duration::ZERO);
    }
}
