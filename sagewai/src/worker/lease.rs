//! Keeps a worker's lease.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::life::Life;
use super::proof;
use crate::model::{Lease, WorkerKey};
use crate::store::StoreResult;

/// Extends the lease at each interval, and returns when it is lost: declared dead, or away from the store for so
/// long that others may believe so. A store that is away is asked again each second.
pub(crate) async fn keep(life: Arc<Life>) {
    let every = life.setup.heartbeat_interval;
    loop {
        // A poll may have extended it meanwhile.
        while let Some(wait) = every
            .checked_sub(life.since_extended())
            .filter(|w| !w.is_zero())
        {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = life.lost() => return,
            }
        }
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

/// Declares workers of this machine dead whose process is gone.
#[derive(Debug, Default)]
pub(crate) struct Undertaker {
    /// Those that this store did not know alive: of other stores, or declared dead by somebody else.
    strangers: HashSet<WorkerKey>,
}

impl Undertaker {
    /// Looks at what the processes of this machine left, and asks the store only where there is something. Returns
    /// whether it declared any dead.
    pub(crate) async fn look(&mut self, life: &Life) -> StoreResult<bool> {
        let gone = proof::gone_here();
        self.strangers.retain(|key| gone.contains(key));
        let mut buried = false;
        for key in gone {
            if self.strangers.contains(&key) {
                continue;
            }
            if life.setup.store.bury(key).await? {
                tracing::info!(%key, "worker's process is gone");
                buried = true;
                proof::forget(key);
            } else {
                self.strangers.insert(key);
            }
        }
        Ok(buried)
    }
}
