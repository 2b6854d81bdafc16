//! One branch, with the number of its place in the source.

use std::fmt;

use crate::workflow::durable::Durable;
use crate::workflow::scope::Site;
use crate::workflow::spec::BoxFuture;

/// A durable operation that is not awaited where it stands but run by a combinator.
#[must_use = "a branch does nothing unless a combinator runs it"]
pub struct Branch<'a, T>(Box<dyn FnOnce(Site) -> BoxFuture<'a, T> + Send + 'a>);

/// What a branch of `join!`, `try_join!`, `race!` or `map` becomes.
///
/// As with [`durable`](crate::macro_support::durable), nothing that depends on `D` stands in the return type: a
/// missing `Durable` is then one error, at the operation.
pub fn branch<'a, D, T>(operation: D, site: u16) -> Branch<'a, T>
where
    D: Durable<Output = T> + 'a,
{
    Branch(Box::new(move |at: Site| {
        Box::pin(operation.run(at.scope.at(site)))
    }))
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
