//! What the tests stand on.

pub mod demo;
pub mod field;
pub mod proxy;

pub use sagewai_tests::postgres;

use std::any::Any;
use std::time::Duration;

use sagewai::store::{AnyStore, InMemoryStore, SqliteStore};
use sagewai::{Client, WorkerBuilder, WorkflowWorker};

/// A store for one test, gone with it.
pub struct Scene {
    pub store: AnyStore,
    pub client: Client,
    /// Where the store is, for other processes; none where no other process can reach it.
    pub url: Option<String>,
    kind: &'static str,
    // What the store needs for as long as it is used.
    _kept: Box<dyn Any + Send>,
}

impl Scene {
    pub async fn memory() -> Scene {
        Scene::new(
            "memory",
            AnyStore::new(InMemoryStore::new()),
            None,
            Box::new(()),
        )
        .await
    }

    pub async fn sqlite() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let store = SqliteStore::open(&url).await.unwrap();
        Scene::new("sqlite", AnyStore::new(store), Some(url), Box::new(folder)).await
    }

    pub async fn postgres() -> Scene {
        let database = postgres::database().await;
        let store = AnyStore::new(database.store().await);
        let url = database.url.clone();
        Scene::new("postgres", store, Some(url), Box::new(database)).await
    }

    async fn new(
        kind: &'static str,
        store: AnyStore,
        url: Option<String>,
        kept: Box<dyn Any + Send>,
    ) -> Scene {
        store.initialize().await.unwrap();
        Scene {
            client: Client::new(&store),
            store,
            url,
            kind,
            _kept: kept,
        }
    }

    /// A run id of this scene: the ledger is shared by all scenes of the process.
    pub fn id(&self, name: &str) -> String {
        format!("{name}-{}", self.kind)
    }

    /// A worker that looks often, so that a test of something else does not wait for its poll.
    pub fn worker(&self) -> WorkerBuilder {
        WorkflowWorker::builder(&self.store).poll_interval(Duration::from_millis(50))
    }
}

/// The longest that anything in a test may take; far more than it needs.
pub const LONG: Duration = Duration::from_mins(1);

/// Waits for something that must happen.
pub async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(LONG, what)
        .await
        .expect("it must happen well within a minute")
}

/// Looks until `look` finds something.
pub async fn until<T, F: AsyncFnMut() -> Option<T>>(mut look: F) -> T {
    soon(async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// Makes one test of each store out of `async fn name(scene: Scene) { .. }`.
#[macro_export]
macro_rules! on_every_store {
    ($($(#[$meta:meta])* async fn $name:ident($scene:ident: Scene) $body:block)*) => { $(
        $crate::on_stores! { [memory sqlite postgres] $(#[$meta])* $name $scene $body }
    )* };
}

/// The same, on the stores that several processes can share.
#[macro_export]
macro_rules! on_every_shared_store {
    ($($(#[$meta:meta])* async fn $name:ident($scene:ident: Scene) $body:block)*) => { $(
        $crate::on_stores! { [sqlite postgres] $(#[$meta])* $name $scene $body }
    )* };
}

/// What both make of one function.
#[macro_export]
macro_rules! on_stores {
    ([$($store:ident)*] $(#[$meta:meta])* $name:ident $scene:ident $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn case($scene: $crate::support::Scene) $body

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $store() {
                    case($crate::support::Scene::$store().await).await;
                }
            )*
        }
    };
}
