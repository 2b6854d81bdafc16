//! Which file, and how it is opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::store::{StoreError, StoreResult};

/// How long another process may keep the file locked.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many reads may go on at once.
const READERS: u32 = 4;
/// Pages of the write-ahead log after which it is worked into the file: 16 MB.
const WAL_PAGES: &str = "4000";

/// The file of a store.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// As errors name it.
    pub(super) label: String,
}

impl File {
    /// Reads a path or a URL.
    pub(super) fn parse(file: &Path) -> StoreResult<File> {
        let path = match file.to_str() {
            None => file,
            Some(text) => Path::new(of_url(text).map_err(|reason| no_file(file, reason))?),
        };
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        if folder.is_some_and(|folder| !folder.is_dir()) {
            let reason = "its folder does not exist; create it first".to_owned();
            return Err(no_file(file, reason));
        }
        Ok(File {
            path: path.to_owned(),
            label: format!("sqlite://{}", path.display()),
        })
    }

    #[cfg(feature = "cli")]
    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// For the one connection that writes.
    pub(super) fn to_write(&self) -> SqliteConnectOptions {
        self.connect()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", WAL_PAGES)
    }

    /// Connections that read, each opened when it is needed.
    pub(super) fn readers(&self) -> SqlitePool {
        SqlitePoolOptions::new()
            .max_connections(READERS)
            // A connection to a file does not get lost, and a question before each statement would double its cost.
            .test_before_acquire(false)
            .connect_lazy_with(self.connect().pragma("query_only", "on"))
    }

    fn connect(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(BUSY_TIMEOUT)
    }
}

/// The path in a URL, or the text itself where it is none.
fn of_url(text: &str) -> Result<&str, String> {
    let path = text
        .strip_prefix("sqlite:")
        .map_or(text, |rest| rest.strip_prefix("//").unwrap_or(rest));
    let example = "write `sqlite://file.db`";
    if path.contains(":memory:") || path.contains("mode=memory") {
        return Err(
            "it is lost with its last connection; `memory:` is the store for tests".to_owned(),
        );
    }
    if path.is_empty() {
        return Err(format!("it names no file; {example}"));
    }
    if path.len() < text.len() && path.contains('?') {
        return Err(format!("a file of runs takes no parameters; {example}"));
    }
    Ok(path)
}

fn no_file(file: &Path, reason: String) -> StoreError {
    StoreError::Url {
        url: file.display().to_string(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_paths_name_the_same_file() {
        for (text, path) in [
            ("sqlite://articles.db", "articles.db"),
            ("sqlite:articles.db", "articles.db"),
            ("sqlite:///tmp/articles.db", "/tmp/articles.db"),
            ("/tmp/articles.db", "/tmp/articles.db"),
            ("articles.db", "articles.db"),
        ] {
            assert_eq!(File::parse(Path::new(text)).unwrap().path, Path::new(path));
        }
    }

    #[test]
    fn what_is_no_file_is_refused_with_what_to_write() {
        for (text, hint) in [
            ("sqlite::memory:", "`memory:` is the store"),
            ("sqlite://:memory:", "`memory:` is the store"),
            ("sqlite://x?mode=memory", "`memory:` is the store"),
            ("sqlite://", "names no file"),
            ("sqlite://x.db?cache=shared", "no parameters"),
            ("sqlite:///no/such/folder/x.db", "its folder does not exist"),
        ] {
            let refusal = File::parse(Path::new(text)).unwrap_err().to_string();
            assert!(refusal.contains(hint), "{refusal}");
            assert!(refusal.contains(text), "{refusal}");
        }
    }
}
