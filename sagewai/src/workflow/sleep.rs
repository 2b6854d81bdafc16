//! Waiting for a time.

use std::time::{Duration, SystemTime};

use super::durable::Durable;
use super::replay::{Effect, SleepEnd, SleepRequest};
use super::scope::Site;
use crate::error::Fault;
use crate::model::{Outcome, Timestamp};

/// Waits for `length`, counted from when the run first comes here. The end is stored: a restart does not begin it
/// anew, and a run that sleeps long costs nothing meanwhile.
pub fn sleep(length: Duration) -> Sleep {
    Sleep(SleepEnd::After(length))
}

/// Waits until a time, on the store's clock; not at all where it has passed.
pub fn sleep_until(time: SystemTime) -> Sleep {
    Sleep(SleepEnd::At(Timestamp::from_system(time)))
}

/// What [`sleep`] and [`sleep_until`] return; await it. It gives a [`Fault`] only when the run is cancelled.
#[must_use = "a sleep does nothing unless awaited"]
#[derive(Debug)]
pub struct Sleep(SleepEnd);

#[diagnostic::do_not_recommend]
impl Durable for Sleep {
    type Output = Result<(), Fault>;
    async fn run(self, at: Site) -> Self::Output {
        let replay = at.replay().clone();
        let position = at.position("sleep");
        // The checkpoint of a sleep is written when it begins and says when it ends; so a recorded one may still
        // have to be waited for.
        let end = match replay.beginning(&position) {
            Some(Outcome::Ok(json)) => {
                SleepEnd::Recorded(json.decode().map(Timestamp::from_micros)?)
            }
            Some(Outcome::Fault(fault)) => return Err(fault),
            Some(Outcome::Err(_)) | None => self.0,
        };
        // Where nothing else goes on, its end is not kept: what was recorded later came after it.
        if !at.scope.is_concurrent() && replay.has_later(&position) {
            return Ok(());
        }
        let woke = position.woke();
        let effect = Effect::Sleep(SleepRequest {
            position,
            end,
            keep_end: at.scope.is_concurrent(),
        });
        match replay.operation_at(&at, woke, 0, effect).await.outcome {
            Outcome::Fault(fault) => Err(fault),
            Outcome::Ok(_) | Outcome::Err(_) => Ok(()),
        }
    }
}
