//! A name is that of one living worker. Who comes with a name that is held waits until that life is known to be over, and is
//! refused as soon as it is known to go on.

use std::time::Duration;

use tokio::sync::watch;

use super::handle::Stop;
use super::life::{Begun, Life, Setup};
use super::proof::{self, Proof};
use crate::clock::Backoff;
use crate::error::Error;
use crate::model::{Wish, WorkerRecord};

/// How often the holder of a name is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Begins a life, as soon as its name is free.
pub(crate) async fn begin_life(setup: &Setup) -> Result<Life, Error> {
    let store = &setup.store;
    let mut known: Option<WorkerRecord> = None;
    loop {
        let holder = match Life::begin(setup).await? {
            Begun::Life(life) => return Ok(*life),
            Begun::NameHeld(holder) => *holder,
        };
        let key = holder.registered.key;
        match proof::of(key, &holder.registered.host) {
            Proof::Gone => {
                store.bury(key).await?;
                proof::forget(key);
                continue;
            }
            Proof::Alive => return Err(held(&holder)),
            Proof::None => {}
        }
        match &known {
            Some(known) if known.registered.key == key && holder.seen_at > known.seen_at => {
                return Err(held(&holder));
            }
            Some(known) if known.registered.key == key => {}
            _ => {
                tracing::info!(worker = %setup.name, %key, "the name is held by an earlier life; waiting until that is over");
            }
        }
        let now = store.now().await?;
        if holder.lease_until < now {
            // Nobody may have looked at the clock.
            store.tick().await?;
        }
        let left = now.until(holder.lease_until) + Duration::from_millis(1);
        tokio::time::sleep(left.min(LOOK)).await;
        known = Some(holder);
    }
}

fn held(holder: &WorkerRecord) -> Error {
    let program = &holder.registered.program;
    Error::Worker {
        reason: format!(
            "the name `{}` is held by a living worker: process {} on host `{}`, since {}; end that one first, or choose \
             another name",
            holder.registered.name, program.pid, program.host, holder.started_at
        ),
    }
}

/// Registers the next life as soon as the store is there; none when the worker was asked to end meanwhile. What was wanted
/// of the last one is wanted of the next.
pub(super) async fn begin_next_life(
    setup: &Setup,
    wish: Wish,
    stop: &mut watch::Receiver<Stop>,
) -> Result<Option<Life>, Error> {
    let mut backoff = Backoff::new();
    while *stop.borrow() == Stop::No {
        setup.vitals.moved();
        let begun = tokio::select! {
            begun = begin_life(setup) => begun,
            _ = stop.wait_for(|stop| *stop != Stop::No) => return Ok(None),
        };
        match begun {
            Ok(life) => {
                if wish != Wish::Run {
                    // Told again, if this is lost.
                    let _ = setup.store.wish(life.key, wish).await;
                }
                return Ok(Some(life));
            }
            Err(Error::Store(error)) => {
                tracing::warn!(worker = %setup.name, %error, "not registered yet");
                backoff.pause().await;
            }
            Err(error) => {
                tracing::error!(worker = %setup.name, %error, "worker ends");
                return Err(error);
            }
        }
    }
    Ok(None)
}
