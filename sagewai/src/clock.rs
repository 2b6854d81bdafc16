//! Time and chance, where the engine needs them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::model::Timestamp;

/// What the store's clock says, told between two looks at it by a clock that is never set: a jump of this
/// machine's wall clock moves nothing.
#[derive(Debug)]
pub(crate) struct StoreClock(Mutex<(Timestamp, Instant)>);

impl StoreClock {
    /// The store's clock says `now` at this moment.
    pub(crate) fn new(now: Timestamp) -> StoreClock {
        StoreClock(Mutex::new((now, Instant::now())))
    }

    /// The store's clock was looked at again.
    pub(crate) fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (now, Instant::now());
    }

    /// What it says now.
    pub(crate) fn now(&self) -> Timestamp {
        let (then, at) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        then.after(at.elapsed())
    }
}

/// A draw between 0 and 1, for spreading retries. (The low bits of a `UUIDv7` are random.)
pub(crate) fn chance() -> f64 {
    let bits = u32::try_from(Uuid::now_v7().as_u128() & u128::from(u32::MAX)).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}

/// Pauses between tries of something that fails for now: doubling from 50 ms to 2 s, each up to half as long again.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Backoff {
        Backoff(Duration::from_millis(50))
    }

    /// Waits for the next try.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.0.mul_f64(1.0 + chance() / 2.0)).await;
        self.0 = (self.0 * 2).min(Duration::from_secs(2));
    }
}
