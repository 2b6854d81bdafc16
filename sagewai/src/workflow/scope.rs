//! Where in a run the code stands.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::combine::Turn;
use super::replay::Replay;
use crate::model::Position;

/// A part of a run in which names are counted: the body itself, or one branch of a combinator. Positions therefore
/// depend neither on the order of polling nor on what stands in other branches.
#[derive(Clone)]
pub struct Scope(Arc<Inner>);

struct Inner {
    replay: Arc<Replay>,
    path: String,
    /// The scope around it.
    parent: Option<Scope>,
    /// Where it is a branch, how to have it polled.
    turn: Option<Turn>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    seen: HashMap<String, u32>,
    last: Option<Position>,
}

impl Scope {
    /// The scope of a whole body.
    pub(crate) fn root(replay: Arc<Replay>) -> Scope {
        Scope(Arc::new(Inner {
            replay,
            path: String::new(),
            parent: None,
            turn: None,
            counts: Mutex::default(),
        }))
    }

    /// An await of this scope, by its number in the source.
    pub fn at(&self, site: u16) -> Site {
        Site {
            scope: self.clone(),
            site,
        }
    }

    pub(crate) fn replay(&self) -> &Arc<Replay> {
        &self.0.replay
    }

    /// A scope inside of this one. With a turn it is a branch: it is polled when its turn comes.
    pub(super) fn inside(&self, name: &str, turn: Option<Turn>) -> Scope {
        Scope(Arc::new(Inner {
            replay: self.0.replay.clone(),
            path: format!("{name}/"),
            parent: Some(self.clone()),
            turn,
            counts: Mutex::default(),
        }))
    }

    /// A scope inside of this one that is no branch.
    #[cfg(feature = "agents")]
    pub(crate) fn part(&self, name: &str) -> Scope {
        self.inside(name, None)
    }

    /// Asks to be polled: whatever stands in this scope can go on.
    pub(super) fn call(&self) {
        let mut scope = Some(self);
        while let Some(Scope(inner)) = scope {
            if let Some(turn) = &inner.turn {
                turn.call();
            }
            scope = inner.parent.as_ref();
        }
    }

    /// Whether something else goes on beside this scope.
    pub(crate) fn is_concurrent(&self) -> bool {
        self.0.turn.is_some() || self.0.parent.as_ref().is_some_and(Scope::is_concurrent)
    }

    /// Its path without the stroke at the end; empty for the whole body.
    pub(super) fn path(&self) -> &str {
        self.0.path.trim_end_matches('/')
    }

    /// A position of this scope without the path to it.
    pub(super) fn local<'p>(&self, position: &'p Position) -> &'p str {
        let position = position.as_str();
        position.strip_prefix(&self.0.path).unwrap_or(position)
    }

    /// The last position that was taken in it, or in what stands inside of it.
    pub(super) fn last(&self) -> Option<Position> {
        self.counts().last.clone()
    }

    /// The next position of this name: `draft`, then `draft#2`.
    fn position(&self, name: &str) -> Position {
        let position = self.next(name);
        let mut scope = Some(self);
        while let Some(around) = scope {
            around.counts().last = Some(position.clone());
            scope = around.0.parent.as_ref();
        }
        position
    }

    fn next(&self, name: &str) -> Position {
        let mut counts = self.counts();
        let path = &self.0.path;
        let Some(count) = counts.seen.get_mut(name) else {
            counts.seen.insert(name.to_owned(), 1);
            return format!("{path}{name}").into();
        };
        *count += 1;
        format!("{path}{name}#{count}").into()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counting is whole at every moment, so a panic elsewhere does not make it unusable.
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.0.path).finish()
    }
}

/// One await of a body: a scope, and the number of the await in the source.
#[derive(Debug, Clone)]
pub struct Site {
    pub(crate) scope: Scope,
    pub(crate) site: u16,
}

impl Site {
    pub(crate) fn replay(&self) -> &Arc<Replay> {
        self.scope.replay()
    }

    /// Takes the next position of this name.
    pub(crate) fn position(&self, name: &str) -> Position {
        self.scope.position(name)
    }
}
