//! Where in a run the code stands.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::replay::Replay;
use crate::model::Position;

/// A part of a run in which names are counted: the body itself, or one branch of a combinator. Positions therefore
/// depend neither on the order of polling nor on what stands in other branches.
#[derive(Clone)]
pub struct Scope(Arc<Inner>);

struct Inner {
    replay: Arc<Replay>,
    path: String,
    seen: Mutex<HashMap<String, u32>>,
}

impl Scope {
    /// The scope of a whole body.
    pub(crate) fn root(replay: Arc<Replay>) -> Scope {
        Scope(Arc::new(Inner {
            replay,
            path: String::new(),
            seen: Mutex::default(),
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

    /// The next position of this name: `draft`, then `draft#2`.
    fn position(&self, name: &str) -> Position {
        // Counting is whole at every moment, so a panic elsewhere does not make it unusable.
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let path = &self.0.path;
        let Some(count) = seen.get_mut(name) else {
            seen.insert(name.to_owned(), 1);
            return format!("{path}{name}").into();
        };
        *count += 1;
        format!("{path}{name}#{count}").into()
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
