//! Where it is measured: a server that was named, a throwaway one, or files in a folder; each measurement in a place of
//! its own.

use std::path::PathBuf;

use sagewai::Result;
use sagewai_tests::postgres::{Cluster, Database, database_on};
use tempfile::TempDir;

/// A kind of store, and where its places are made.
#[derive(Debug)]
pub enum Target {
    Server(String),
    Throwaway(Cluster),
    Files(PathBuf),
}

/// An empty store that one measurement uses; gone with it.
#[derive(Debug)]
pub struct Place {
    pub url: String,
    _kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Database { _database: Database },
    Folder { _folder: TempDir },
}

/// As on a machine of its own: enough memory, everything else as the server has it; and it writes to the disk.
const OPTIONS: &str = "-c max_connections=200 -c shared_buffers=1GB -c max_wal_size=4GB";
const WITH_STATEMENTS: &str = "-c shared_preload_libraries=pg_stat_statements";

impl Target {
    /// `postgres` starts a throwaway server, `sqlite` makes files in the folder for temporary ones; otherwise the URL
    /// of a server, or `sqlite:` and a folder.
    pub fn parse(text: &str) -> Result<Target> {
        match text {
            "postgres" => Ok(Target::Throwaway(throwaway())),
            "sqlite" => Ok(Target::Files(std::env::temp_dir())),
            url if url.starts_with("postgres") => Ok(Target::Server(url.to_owned())),
            other => match other.strip_prefix("sqlite:") {
                Some(folder) => Ok(Target::Files(folder.trim_start_matches("//").into())),
                None => Err(format!(
                    "`{other}` is none of `postgres`, `sqlite`, `postgres://…`, `sqlite:FOLDER`"
                )
                .into()),
            },
        }
    }

    /// For tables.
    pub fn name(&self) -> &'static str {
        match self {
            Target::Server(_) | Target::Throwaway(_) => "postgres",
            Target::Files(_) => "sqlite",
        }
    }

    /// A new place.
    pub async fn place(&self) -> Result<Place> {
        let database = match self {
            Target::Server(url) => database_on(url.clone()).await,
            Target::Throwaway(cluster) => cluster.database().await,
            Target::Files(folder) => {
                let folder = tempfile::Builder::new()
                    .prefix("sagewai-bench")
                    .tempdir_in(folder)?;
                return Ok(Place {
                    url: format!("sqlite://{}", folder.path().join("runs.db").display()),
                    _kept: Kept::Folder { _folder: folder },
                });
            }
        };
        Ok(Place {
            url: database.url.clone(),
            _kept: Kept::Database {
                _database: database,
            },
        })
    }
}

/// With statements counted, where the server has what counts them.
fn throwaway() -> Cluster {
    let counting = format!("{OPTIONS} {WITH_STATEMENTS}");
    std::panic::catch_unwind(|| Cluster::boot(&counting)).unwrap_or_else(|_| Cluster::boot(OPTIONS))
}
