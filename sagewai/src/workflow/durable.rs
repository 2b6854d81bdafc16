//! What may be awaited in a workflow.

use std::future::Future;

use super::scope::Site;
use super::spec::BoxFuture;

/// What may be awaited inside a `#[workflow]`: an operation whose outcome is stored, so that a replay gives it
/// again instead of doing it again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be awaited inside a `#[workflow]`: it would run again on every replay",
    label = "not a durable operation",
    note = "put this work into a `#[step] async fn` and await that step",
    note = "durable operations are: the call of a `#[step]` or of another `#[workflow]`, `approval`, `signal`, `child`, `sleep`, `now`, `uuid` and `record`; several at once: `join!`, `try_join!`, `race!`, `map`, `try_map`"
)]
pub trait Durable: Sized + Send {
    /// What the await gives.
    type Output: Send;
    #[doc(hidden)]
    fn run(self, at: Site) -> impl Future<Output = Self::Output> + Send;
    /// The same on the heap; for what has it there already.
    #[doc(hidden)]
    fn boxed<'a>(self, at: Site) -> BoxFuture<'a, Self::Output>
    where
        Self: 'a,
    {
        Box::pin(self.run(at))
    }
}

/// What `operation.await` in a workflow body becomes.
///
/// Neither `D` nor a projection of it stands in the return type: a missing `Durable` is then one error, at the
/// operation, and not three.
pub fn durable<'a, D, T>(operation: D, at: Site) -> BoxFuture<'a, T>
where
    D: Durable<Output = T> + 'a,
{
    operation.boxed(at)
}
