//! Values that are computed once and stored: the time, a UUID, whatever a closure returns.

use std::fmt;
use std::time::SystemTime;

use super::durable::Durable;
use super::erased::typed;
use super::replay::{Came, Effect};
use super::scope::Site;
use super::spec::Payload;
use crate::error::Fault;
use crate::model::{CheckpointKind, Json, Outcome};

/// The time at which the run first came here. Every replay gives the same.
pub fn now() -> Now {
    Now(())
}

/// What [`now()`] returns; await it.
#[must_use = "does nothing unless awaited"]
#[derive(Debug)]
pub struct Now(());

/// A UUID (version 7) that the run drew when it first came here, as text. Every replay gives the same.
pub fn uuid() -> UuidCall {
    UuidCall(())
}

/// What [`uuid()`] returns; await it.
#[must_use = "does nothing unless awaited"]
#[derive(Debug)]
pub struct UuidCall(());

/// Runs `compute` once, when the run first comes here, and stores what it returns. Every replay gives that value.
///
/// For a quick look at something that may differ next time, such as a random draw or a variable of the environment.
/// Work that can fail, take long, or have effects belongs in a `#[step]`.
pub fn record<T: Payload, F: FnOnce() -> T + Send>(name: &'static str, compute: F) -> Record<F> {
    Record { name, compute }
}

/// What [`record()`] returns; await it.
#[must_use = "does nothing unless awaited"]
pub struct Record<F> {
    name: &'static str,
    compute: F,
}

impl<F> fmt::Debug for Record<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Record").field(&self.name).finish()
    }
}

/// A value that must be readable, since its author did not get to say what happens otherwise: the body panics,
/// which fails the run with this message.
async fn must<T: Payload>(at: &Site, name: &str, came: Came) -> T {
    match typed::<T, Fault>(at, came).await {
        Ok(value) => value,
        Err(fault) => panic!("the value of `{name}` {fault}"),
    }
}

#[diagnostic::do_not_recommend]
impl Durable for Now {
    type Output = SystemTime;
    async fn run(self, at: Site) -> SystemTime {
        let replay = at.replay().clone();
        let came = replay.operation(&at, "now", 0, Effect::Now).await;
        must(&at, "now", came).await
    }
}

#[diagnostic::do_not_recommend]
impl Durable for UuidCall {
    type Output = String;
    async fn run(self, at: Site) -> String {
        let replay = at.replay().clone();
        let came = replay.operation(&at, "uuid", 0, Effect::Uuid).await;
        must(&at, "uuid", came).await
    }
}

#[diagnostic::do_not_recommend]
impl<T: Payload, F: FnOnce() -> T + Send> Durable for Record<F> {
    type Output = T;
    async fn run(self, at: Site) -> T {
        let replay = at.replay().clone();
        let position = at.position(self.name);
        // The closure runs only where nothing is recorded.
        let kind = CheckpointKind::Record;
        let outcome = if replay.is_recorded(&at, &position, kind, 0).await {
            Outcome::Ok(Json::null())
        } else {
            match (self.compute)().store() {
                Ok(json) => Outcome::Ok(json),
                Err(fault) => panic!("the value of `{}` {fault}", self.name),
            }
        };
        let effect = Effect::Record(outcome);
        let came = replay.operation_at(&at, position, 0, effect).await;
        must(&at, self.name, came).await
    }
}
