//! Runs in one SQLite file: for one machine.

mod admission;
mod bulk;
mod claim;
mod fleet;
mod flush;
mod journal;
mod limited;
mod options;
mod outside;
#[cfg(test)]
mod plans;
mod query;
mod queue;
mod queues;
mod rows;
mod schedules;
mod schema;
mod start_in;
mod watch;
mod writer;

use std::path::Path;
use std::sync::Arc;

use sqlx::SqlitePool;

#[cfg(feature = "cli")]
pub(super) use schema::MIGRATIONS;

use super::failure::Failure;
use super::group_commit::GroupCommit;
use super::outputs::Outputs;
use super::{Hints, StoreError, StoreResult};
use flush::SqliteFlush;
use options::File;
use watch::Watch;
use writer::Writer;

/// Keeps runs in one SQLite file, which several processes of one machine may share.
///
/// The file is in WAL mode, and a commit is on the disk when it is answered (`synchronous=FULL`): a power cut loses
/// nothing that was told. One connection writes for the whole process, many runs in one transaction; others read
/// beside it. Keep the file on a local disk: the locks that SQLite relies on do not work on network file systems.
///
/// SQLite lets one process write at a time. One that is killed in the middle of a write leaves nothing behind and is in
/// nobody's way; one that is *stopped* there (`SIGSTOP`, a debugger) keeps the others from writing until it goes on or
/// dies.
///
/// ```
/// use sagewai::store::{Schema, SqliteStore};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), sagewai::store::StoreError> {
/// # let folder = std::env::temp_dir().join(format!("sagewai-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let articles = folder.join("articles.db");
/// let store = SqliteStore::open(articles).await?;
/// store.initialize().await?;
/// # drop(store);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    label: String,
    writer: Arc<Writer>,
    readers: SqlitePool,
    hints: Hints,
    outputs: Outputs,
    group: GroupCommit<SqliteFlush>,
    watch: Watch,
}

impl SqliteStore {
    /// Opens the file at a path, or at a URL as in `sqlite://articles.db` (beside you) or
    /// `sqlite:///var/lib/articles.db` (a full path), and creates it where it is missing. The tables are created by
    /// [`Schema::initialize`](super::Schema::initialize).
    ///
    /// # Errors
    /// [`StoreError::Url`] where it names no file, a file in memory, or a folder that is not there;
    /// [`StoreError::Unavailable`] where another process keeps the file locked, and [`StoreError::Refused`] where
    /// it cannot be opened or is no database.
    pub async fn open(file: impl AsRef<Path>) -> StoreResult<SqliteStore> {
        let file = File::parse(file.as_ref())?;
        let writer = Arc::new(Writer::new(file.to_write()));
        writer
            .open()
            .await
            .map_err(|e| Failure::from(e).into_error(&file.label))?;
        let hints = Hints::new();
        let flush = SqliteFlush::factory(writer.clone(), hints.clone());
        Ok(SqliteStore(Arc::new(Inner {
            group: GroupCommit::new(file.label.clone(), 1, flush),
            watch: Watch::new(&writer, &hints),
            readers: file.readers(),
            label: file.label,
            writer,
            hints,
            outputs: Outputs::default(),
        })))
    }

    fn writer(&self) -> &Writer {
        &self.0.writer
    }

    fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    fn error(&self, failure: impl Into<Failure>) -> StoreError {
        failure.into().into_error(&self.0.label)
    }
}
