//! The branches of one combinator while they go on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use crate::model::Position;
use crate::workflow::durable::Durable;
use crate::workflow::scope::{Scope, Site};
use crate::workflow::spec::BoxFuture;
use crate::workflow::watch::Watch;

/// Branches that go on at once. A branch is polled when something it waits for has come, and the others are not: one
/// outcome costs the same among a thousand branches as among two.
pub(super) struct Branches<'a, T> {
    at: Site,
    /// Position of the combinator.
    position: Position,
    turns: Turns,
    going_on: Vec<Option<GoingOn<'a, T>>>,
    left: usize,
}

struct GoingOn<'a, T> {
    future: BoxFuture<'a, T>,
    scope: Scope,
    watch: Watch,
}

impl<'a, T> Branches<'a, T> {
    /// No branches yet, of the combinator that comes next under this name.
    pub(super) fn new(at: Site, name: &str) -> Branches<'a, T> {
        Branches {
            position: at.position(name),
            at,
            turns: Turns::default(),
            going_on: Vec::new(),
            left: 0,
        }
    }

    /// Position of the combinator.
    pub(super) fn position(&self) -> &Position {
        &self.position
    }

    /// How many have not ended.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Adds the next branch. `run` makes its future, which begins when it is polled.
    pub(super) fn add(&mut self, run: impl FnOnce(Site) -> BoxFuture<'a, T>) {
        let index = self.going_on.len();
        let turn = self.turns.turn(index);
        turn.call();
        let name = format!("{}.{index}", self.position);
        let scope = self.at.scope.inside(&name, Some(turn));
        self.going_on.push(Some(GoingOn {
            future: run(scope.at(self.at.site)),
            scope,
            watch: Watch::new(),
        }));
        self.left += 1;
    }

    /// Adds a branch whose output is handed on by `end`.
    pub(super) fn add_durable<D: Durable + 'a>(
        &mut self,
        operation: D,
        end: impl FnOnce(D::Output) -> T + Send + 'a,
    ) {
        self.add(|at| Box::pin(async move { end(operation.run(at).await) }));
    }

    /// Waits for the next branch to end: its number and what it gave. `None` when all have ended.
    pub(super) async fn next(&mut self) -> Option<(usize, T)> {
        poll_fn(|_| self.poll_next()).await
    }

    fn poll_next(&mut self) -> Poll<Option<(usize, T)>> {
        while let Some(index) = self.turns.next() {
            // One that has ended may have been called again before.
            let Some(going_on) = &mut self.going_on[index] else {
                continue;
            };
            let GoingOn {
                future,
                scope,
                watch,
            } = going_on;
            if let Poll::Ready(output) = watch.poll(future.as_mut(), scope) {
                self.going_on[index] = None;
                self.left -= 1;
                return Poll::Ready(Some((index, output)));
            }
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.at.replay().count_wait();
        Poll::Pending
    }
}

/// Which branches are to be polled, in order.
#[derive(Clone, Default)]
struct Turns(Arc<Mutex<VecDeque<usize>>>);

impl Turns {
    fn turn(&self, index: usize) -> Turn {
        Turn {
            turns: self.clone(),
            index,
        }
    }

    fn next(&self) -> Option<usize> {
        self.queue().pop_front()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How one branch asks to be polled.
pub(in crate::workflow) struct Turn {
    turns: Turns,
    index: usize,
}

impl Turn {
    pub(in crate::workflow) fn call(&self) {
        self.turns.queue().push_back(self.index);
    }
}
