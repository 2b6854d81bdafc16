//! A time limit around a durable operation.

use std::time::Duration;

use super::combine::{First, first_of_two};
use super::durable::Durable;
use super::scope::Site;
use super::sleep::sleep;
use crate::error::Fault;

/// A durable operation that must end in time: a gate, a message, a child, an `async` block, a `try_join!`. When the
/// limit passes first, the operation ends where it stands: its steps are cancelled, its gates withdrawn. The limit is a
/// stored timer, so a restart does not begin it anew.
#[must_use = "a durable operation does nothing unless it is awaited or given to a combinator"]
#[derive(Debug)]
pub struct Timeout<D> {
    limit: Duration,
    what: String,
    operation: D,
}

/// Puts a limit on an operation. `what` names it in the fault.
pub(crate) fn timeout<D>(limit: Duration, what: String, operation: D) -> Timeout<D> {
    Timeout {
        limit,
        what,
        operation,
    }
}

#[diagnostic::do_not_recommend]
impl<D, T, E> Durable for Timeout<D>
where
    D: Durable<Output = Result<T, E>>,
    T: Send,
    E: From<Fault> + Send,
{
    type Output = Result<T, E>;
    async fn run(self, at: Site) -> Self::Output {
        let Timeout {
            limit,
            what,
            operation,
        } = self;
        match first_of_two(&at, "timeout", operation, sleep(limit)).await {
            First::One(output) => output,
            First::Other(Ok(())) => Err(E::from(Fault::TimedOut { step: what, limit })),
            First::Other(Err(fault)) => Err(E::from(fault)),
        }
    }
}
