//! A store of any kind.

use std::ops::Deref;
use std::sync::Arc;

use super::Store;

/// A store whose kind is known only at run time: what [`open`](super::open) returns, and what clients and workers
/// hold. Made from a reference to any store.
#[derive(Debug, Clone)]
pub struct AnyStore(Arc<dyn Store>);

impl AnyStore {
    /// Holds a store.
    pub fn new(store: impl Store) -> AnyStore {
        AnyStore(Arc::new(store))
    }
}

impl Deref for AnyStore {
    type Target = dyn Store;
    fn deref(&self) -> &(dyn Store + 'static) {
        &*self.0
    }
}

impl<T: Store + Clone> From<&T> for AnyStore {
    fn from(store: &T) -> AnyStore {
        AnyStore::new(store.clone())
    }
}

impl From<&AnyStore> for AnyStore {
    fn from(store: &AnyStore) -> AnyStore {
        store.clone()
    }
}
