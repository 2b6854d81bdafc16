//! A store in the memory of this process, for tests: obvious rather than fast, and with a clock that can be moved.

mod admission;
mod fleet;
mod journal;
mod limited;
mod outside;
mod query;
mod queue;
mod schedules;
mod schema;
mod tables;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Hints;
use tables::Tables;

/// Keeps everything in the memory of this process: for tests, and for a first look. What it holds dies with the
/// last handle.
///
/// It follows the same contract as the databases, leases and fences included, and its clock can be moved:
///
/// ```
/// use std::time::Duration;
///
/// use sagewai::store::{InMemoryStore, Schema};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sagewai::store::StoreError> {
/// let store = InMemoryStore::new();
/// let before = store.now().await?;
/// store.advance(Duration::from_secs(7 * 86_400));
/// assert!(before.until(store.now().await?) >= Duration::from_secs(7 * 86_400));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct InMemoryStore {
    tables: Arc<Mutex<Tables>>,
    hints: Hints,
}

impl Default for InMemoryStore {
    fn default() -> InMemoryStore {
        InMemoryStore::new()
    }
}

impl InMemoryStore {
    /// An empty store.
    pub fn new() -> InMemoryStore {
        InMemoryStore {
            tables: Arc::default(),
            hints: Hints::live(),
        }
    }

    /// Moves the store's clock: leases and timers see that much time pass. Between moves it runs with tokio's
    /// clock, so a test that pauses that one pauses this one too.
    pub fn advance(&self, time: Duration) {
        self.lock().clock.advance(time);
        self.hints.tell_all();
    }

    /// A method holds this from its first look to its last write: that is its transaction.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        // No method panics between two writes that belong together.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
