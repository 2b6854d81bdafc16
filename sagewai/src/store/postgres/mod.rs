//! Runs in a PostgreSQL database: for several machines.

mod admission;
mod arrays;
mod claim;
mod fleet;
mod flush;
mod flush_sql;
mod journal;
mod limited;
mod news;
mod options;
mod outside;
mod pooler;
mod query;
mod queue;
mod queues;
mod schedules;
mod schema;
mod start_in;
#[cfg(feature = "testing")]
mod statements;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::Semaphore;

#[cfg(feature = "cli")]
pub(super) use schema::MIGRATIONS;

use super::failure::{Failure, Kind};
use super::group_commit::GroupCommit;
use super::outputs::Outputs;
use super::{Hints, StoreError, StoreResult};
use flush::PostgresFlush;
use news::Announcer;
use news::Listener;
pub use options::PostgresBuilder;
use options::Server;

/// How many writers share the commits of a process. Two: under load, while one waits for the disk, the other one's
/// rows travel.
const WRITERS: usize = 2;
/// How many starts under rules one process has on their way; those of one workflow or key wait for each other anyway.
const ADMISSIONS: usize = 3;
/// How often transactions that got into each other's way are tried.
const CLASHES_MAX: u32 = 10;

/// Keeps runs in a PostgreSQL database (14 or newer), in a schema of its own beside the application's tables. Any
/// number of processes share it.
///
/// Commits are as durable as the server's settings say; a `synchronous_commit` that is off is switched on for our
/// connections.
///
/// ```no_run
/// use sagewai::store::{PostgresStore, Schema};
///
/// # async fn example() -> Result<(), sagewai::store::StoreError> {
/// let store = PostgresStore::builder("postgres://app:secret@db.example/app")
///     .schema("workflows")
///     .connect()
///     .await?;
/// store.initialize().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct PostgresStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: Server,
    pool: PgPool,
    hints: Hints,
    outputs: Outputs,
    group: GroupCommit<PostgresFlush>,
    announcer: Announcer,
    listener: Listener,
    admissions: Semaphore,
}

impl PostgresStore {
    /// Connects, with the options' defaults. The tables are created by
    /// [`Schema::initialize`](super::Schema::initialize).
    ///
    /// # Errors
    /// As [`PostgresBuilder::connect`].
    pub async fn connect(url: &str) -> StoreResult<PostgresStore> {
        PostgresStore::builder(url).connect().await
    }

    /// Options for a store at `postgres://user:password@host/database`.
    pub fn builder(url: &str) -> PostgresBuilder {
        PostgresBuilder::new(url)
    }

    fn new(server: Server, pool: PgPool) -> PostgresStore {
        let hints = Hints::new();
        let announcer = Announcer::new(server.clone());
        let flush = PostgresFlush::factory(server.clone(), hints.clone(), announcer.clone());
        PostgresStore(Arc::new(Inner {
            group: GroupCommit::new(server.label.clone(), WRITERS, flush),
            listener: Listener::new(server.clone(), hints.clone(), announcer.clone()),
            server,
            pool,
            hints,
            outputs: Outputs::default(),
            announcer,
            admissions: Semaphore::new(ADMISSIONS),
        }))
    }

    fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    fn label(&self) -> &str {
        &self.0.server.label
    }

    fn error(&self, failure: impl Into<Failure>) -> StoreError {
        failure.into().into_error(self.label())
    }

    /// Tries a transaction again that another one got in the way of.
    async fn through_clashes<T, F>(&self, mut attempt: impl FnMut() -> F) -> StoreResult<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut clashes = 0;
        loop {
            match attempt().await {
                Err(failure) if failure.kind == Kind::Clash && clashes < CLASHES_MAX => {
                    clashes += 1;
                }
                done => return done.map_err(|failure| self.error(failure)),
            }
        }
    }

    /// There is something to claim, or a message.
    fn tell_work(&self) {
        self.0.hints.tell_work();
        self.0.announcer.work();
    }
}
