//! Keeps a worker's lease.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::life::Life;
use super::proof;
use crate::model::Lease;
use crate::store::StoreResult;

/// Extends the lease at each interval, and returns when it is lost: declared dead, or away from the store for so
/// long that others may believe so. A store that is away is asked again each second.
pub(crate) async fn keep(life: Arc<Life>) {
    let every = life.setup.heartbeat_interval;
    let mut beat = interval_at(Instant::now() + every, every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        loop {
            match life.heartbeat().await {
                Ok(Lease::Kept) => break,
                Ok(Lease::Lost) => return,
                Err(error) => {
                    tracing::warn!(worker = %life.setup.name, %error, "heartbeat not written yet");
                    tokio::time::sleep(every.min(Duration::from_secs(1))).await;
                }
            }
        }
    }
}

/// Declares workers of this machine dead whose process is gone. Returns how many.
pub(crate) async fn bury_the_proved(life: &Life) -> StoreResult<usize> {
    let mut buried = 0;
    for worker in life.setup.store.workers(Duration::ZERO).await? {
        let (key, host) = (worker.registered.key, &worker.registered.host);
        if worker.gone_at.is_none() && key != life.key && proof::is_gone(key, host) {
            tracing::info!(worker = %worker.registered.name, key = %key, "worker's process is gone");
            if life.setup.store.bury(key).await? {
                buried += 1;
            }
            proof::forget(key);
        }
    }
    Ok(buried)
}
