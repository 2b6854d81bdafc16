//! A durable operation without its type: a branch, or a combinator of branches.

use std::fmt;
use std::time::Duration;

use crate::workflow::durable::Durable;
use crate::workflow::scope::Site;
use crate::workflow::spec::BoxFuture;
use crate::workflow::timeout::{Timeout, timeout};

/// A durable operation of which only the output is known: a branch of a combinator, or what `join!`, `try_join!` and
/// `race!` make.
#[must_use = "a durable operation does nothing unless it is awaited or given to a combinator"]
pub struct Branch<'a, T>(Box<dyn FnOnce(Site) -> BoxFuture<'a, T> + Send + 'a>);

/// What a branch of `join!`, `try_join!`, `race!` or `map` becomes.
///
/// As with [`durable`](crate::macro_support::durable), nothing that depends on `D` stands in the return type: a
/// missing `Durable` is then one error, at the operation.
pub fn branch<'a, D, T>(operation: D, site: u16) -> Branch<'a, T>
where
    D: Durable<Output = T> + 'a,
{
    Branch::new(move |at| operation.boxed(at.scope.at(site)))
}

impl<'a, T> Branch<'a, T> {
    /// An operation that `run` makes when it is known where it stands.
    pub(super) fn new(run: impl FnOnce(Site) -> BoxFuture<'a, T> + Send + 'a) -> Branch<'a, T> {
        Branch(Box::new(run))
    }
}

impl<'a, T, E> Branch<'a, Result<T, E>> {
    /// How long the run waits at most, as in `try_join!(a(x), b(y)).timeout(limit)`. Then the branches end where they
    /// stand, and this gives [`Fault::TimedOut`](crate::Fault::TimedOut).
    pub fn timeout(self, limit: Duration) -> Timeout<Branch<'a, Result<T, E>>> {
        timeout(limit, "branches".to_owned(), self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Send> Durable for Branch<'_, T> {
    type Output = T;
    async fn run(self, at: Site) -> T {
        (self.0)(at).await
    }
}

impl<T> fmt::Debug for Branch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Branch")
    }
}
