//! The one connection that writes. SQLite has one writer at a time; whoever writes in this process waits in line for
//! it here, where waiting is fair and costs nothing, and only other processes meet the lock of the file.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant, SystemTime};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::{Mutex, MutexGuard};

use super::options::BUSY_TIMEOUT;
use crate::model::Timestamp;
use crate::store::failure::Kind;

/// Between two tries at a file that is being created.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// None until it is needed, and after a transaction whose end is not known.
    connection: Mutex<Option<SqliteConnection>>,
    #[cfg(test)]
    pub(super) transactions: std::sync::atomic::AtomicU64,
}

/// A transaction that holds the file's write lock. Dropped before its end, it leaves nothing: its connection is
/// closed, which undoes it.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    home: MutexGuard<'a, Option<SqliteConnection>>,
    connection: SqliteConnection,
    /// When it began. It is the time of everything that it writes.
    pub(super) now: Timestamp,
}

impl Writer {
    pub(super) fn new(options: SqliteConnectOptions) -> Writer {
        Writer {
            options,
            connection: Mutex::default(),
            #[cfg(test)]
            transactions: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Opens the connection, so that a file which cannot be used is found at once.
    pub(super) async fn open(&self) -> Result<(), sqlx::Error> {
        let mut home = self.connection.lock().await;
        if home.is_none() {
            *home = Some(self.connect().await?);
        }
        Ok(())
    }

    /// Begins a transaction, as soon as it is alone.
    pub(super) async fn begin(&self) -> Result<Writing<'_>, sqlx::Error> {
        let mut home = self.connection.lock().await;
        let mut connection = match home.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await?;
        #[cfg(test)]
        self.transactions
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(Writing {
            home,
            connection,
            // Not before: it may have waited for other processes.
            now: now(),
        })
    }

    /// A number that changes when another process has written; none while there is no connection to ask.
    pub(super) async fn data_version(&self) -> Result<Option<i64>, sqlx::Error> {
        let mut home = self.connection.lock().await;
        let Some(mut connection) = home.take() else {
            return Ok(None);
        };
        let version = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut connection)
            .await?;
        *home = Some(connection);
        Ok(Some(version))
    }

    /// Several processes that create a file at once get into each other's way before SQLite's own waiting begins.
    async fn connect(&self) -> Result<SqliteConnection, sqlx::Error> {
        let began = Instant::now();
        loop {
            match self.options.connect().await {
                Err(error) if is_busy(&error) && began.elapsed() < BUSY_TIMEOUT => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                done => return done,
            }
        }
    }
}

impl Writing<'_> {
    /// Makes everything durable.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("COMMIT").execute(&mut self.connection).await?;
        *self.home = Some(self.connection);
        Ok(())
    }

    /// Leaves nothing, and keeps the connection.
    pub(super) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("ROLLBACK")
            .execute(&mut self.connection)
            .await?;
        *self.home = Some(self.connection);
        Ok(())
    }
}

impl Deref for Writing<'_> {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

/// SQLite has no clock of its own; all processes are on one machine, and take that one's.
pub(super) fn now() -> Timestamp {
    Timestamp::from_system(SystemTime::now())
}

fn is_busy(error: &sqlx::Error) -> bool {
    Kind::of(error) == Kind::Unavailable && matches!(error, sqlx::Error::Database(_))
}
