//! Noticing that a body waits for something that is not durable.
//!
//! The engine wakes nobody: it gives an operation its outcome and polls what waits for it. So a body, or a branch of
//! it, is polled with a waker that only something foreign can want. Whoever keeps it (a timer of the runtime, a
//! channel, a spawned task) or wakes it gives itself away in the same poll; so does a future that waits without any
//! durable operation below it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::scope::Scope;
use crate::error::Fault;

/// Polls one branch, or a whole body, and watches what it waits for.
pub(super) struct Watch {
    woken: Arc<Woken>,
    waker: Waker,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Woken>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Woken>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Watch {
    pub(super) fn new() -> Watch {
        let woken = Arc::new(Woken::default());
        Watch {
            waker: Waker::from(woken.clone()),
            woken,
        }
    }

    /// Polls. What is foreign is told to the run, whose driver ends it at once.
    pub(super) fn poll<F: Future + ?Sized>(
        &self,
        future: Pin<&mut F>,
        scope: &Scope,
    ) -> Poll<F::Output> {
        let before = scope.replay().waits();
        let polled = future.poll(&mut Context::from_waker(&self.waker));
        let waits_for_nothing = polled.is_pending() && scope.replay().waits() == before;
        if waits_for_nothing || self.is_wanted() {
            scope.replay().found_foreign(Fault::ForeignAwait {
                after: scope.last().map(|position| position.as_str().to_owned()),
                branch: Some(scope.path().to_owned()).filter(|path| !path.is_empty()),
            });
            // Whoever polls this one waits for it, and is not to be blamed as well.
            scope.replay().count_wait();
        }
        polled
    }

    /// Whether somebody has kept the waker, or has woken it.
    fn is_wanted(&self) -> bool {
        // One is `woken`, one is in `waker`.
        const OUR_OWN: usize = 2;

        Arc::strong_count(&self.woken) > OUR_OWN || self.woken.0.load(Ordering::Relaxed)
    }
}
