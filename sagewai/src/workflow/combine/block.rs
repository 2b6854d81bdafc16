//! An `async` block of a body: a part of the workflow with a scope of its own.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::workflow::durable::Durable;
use crate::workflow::scope::{Scope, Site};
use crate::workflow::timeout::{Timeout, timeout};

/// An `async` block of a workflow body. It is no `Future`: an `.await` of the body or a combinator runs it.
#[must_use = "an `async` block does nothing unless it is awaited or given to a combinator"]
pub struct Block<F> {
    slot: Slot,
    future: F,
}

/// Hands a block its scope. It is moved into the block, so that the block borrows only what its author borrows.
#[derive(Debug, Clone, Default)]
pub struct Slot(Arc<OnceLock<Scope>>);

impl Slot {
    /// The scope, in the block.
    ///
    /// # Panics
    /// Where the block is polled by anything but [`Block::run`](Durable::run), which nothing can.
    pub fn scope(self) -> Scope {
        let scope = self.0.get().cloned();
        scope.expect("a block is polled only once it has its scope")
    }

    /// A block out of the future that has the other half.
    pub fn block<F: Future + Send>(self, future: F) -> Block<F> {
        Block { slot: self, future }
    }
}

impl<F> Block<F> {
    /// How long the run stays in the block at most. Then what goes on in it ends where it stands, and the block gives
    /// [`Fault::TimedOut`](crate::Fault::TimedOut).
    pub fn timeout(self, limit: Duration) -> Timeout<Block<F>> {
        timeout(limit, "block".to_owned(), self)
    }
}

#[diagnostic::do_not_recommend]
impl<F: Future<Output: Send> + Send> Durable for Block<F> {
    type Output = F::Output;
    async fn run(self, at: Site) -> F::Output {
        let position = at.position("block");
        let scope = at.scope.inside(position.as_str(), None);
        // It is run once, since it is taken by value.
        let _ = self.slot.0.set(scope);
        self.future.await
    }
}

impl<F> fmt::Debug for Block<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Block")
    }
}

/// An `async` block in the copy of a body that is only type-checked: a closure, so that an await in it does not
/// compile.
#[must_use = "an `async` block does nothing unless it is awaited or given to a combinator"]
pub struct CheckedBlock<F>(F);

/// Such a block.
pub fn checked_block<F: FnOnce() -> T + Send, T>(block: F) -> CheckedBlock<F> {
    CheckedBlock(block)
}

impl<F> CheckedBlock<F> {
    /// As [`Block::timeout`].
    pub fn timeout(self, limit: Duration) -> Timeout<CheckedBlock<F>> {
        timeout(limit, String::new(), self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Send, F: FnOnce() -> T + Send> Durable for CheckedBlock<F> {
    type Output = T;
    async fn run(self, _: Site) -> T {
        (self.0)()
    }
}

impl<F> fmt::Debug for CheckedBlock<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckedBlock")
    }
}
