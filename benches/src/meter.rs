//! Reads what was spent: processor time from the operating system (Linux), commits, statements and WAL from the
//! server. What cannot be read is left out.

use sagewai::Result;
use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

/// Totals at one moment, or the difference of two.
#[derive(Debug, Default)]
pub struct Cost {
    pub client_us: Option<f64>,
    pub server_us: Option<f64>,
    pub commits: Option<f64>,
    pub statements: Option<f64>,
    pub wal_bytes: Option<f64>,
}

impl Cost {
    /// What was spent since `before`.
    pub fn since(&self, before: &Cost) -> Cost {
        let less = |now: Option<f64>, then: Option<f64>| Some(now? - then?);
        Cost {
            client_us: less(self.client_us, before.client_us),
            server_us: less(self.server_us, before.server_us),
            commits: less(self.commits, before.commits),
            statements: less(self.statements, before.statements),
            wal_bytes: less(self.wal_bytes, before.wal_bytes),
        }
    }
}

/// Reads totals, over a connection of its own where there is a server.
#[derive(Debug)]
pub struct Meter {
    server: Option<Mutex<PgConnection>>,
    counts_statements: bool,
}

impl Meter {
    /// For a store.
    pub async fn of(url: &str) -> Result<Meter> {
        if !url.starts_with("postgres") {
            return Ok(Meter {
                server: None,
                counts_statements: false,
            });
        }
        let mut server = PgConnection::connect(url).await?;
        let counts_statements =
            sqlx::query_scalar("SELECT to_regclass('pg_stat_statements') IS NOT NULL")
                .fetch_one(&mut server)
                .await?;
        Ok(Meter {
            server: Some(Mutex::new(server)),
            counts_statements,
        })
    }

    /// The totals so far.
    pub async fn read(&self) -> Result<Cost> {
        let client_us = cpu_us("/proc/self/schedstat", "/proc/self/task");
        let Some(server) = &self.server else {
            return Ok(Cost {
                client_us,
                ..Cost::default()
            });
        };
        let mut server = server.lock().await;
        // Commits that wrote something: reads have no transaction id of their own.
        let (commits, wal_bytes): (f64, f64) = sqlx::query_as(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::float8,
                    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8",
        )
        .fetch_one(&mut *server)
        .await?;
        let statements = if self.counts_statements {
            let calls: f64 = sqlx::query_scalar(
                "SELECT coalesce(sum(calls), 0)::float8 FROM pg_stat_statements s
                 JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database()",
            )
            .fetch_one(&mut *server)
            .await?;
            Some(calls)
        } else {
            None
        };
        let pids: Vec<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() OR datname IS NULL",
        )
        .fetch_all(&mut *server)
        .await?;
        let server_us = pids
            .iter()
            .map(|pid| cpu_us(&format!("/proc/{pid}/schedstat"), ""))
            .sum();
        Ok(Cost {
            client_us,
            server_us,
            commits: Some(commits),
            statements,
            wal_bytes: Some(wal_bytes),
        })
    }
}

/// Microseconds on a processor: of one process's first thread, or of all threads in a folder. None where the server
/// is on another machine, or the system is another.
fn cpu_us(process: &str, threads: &str) -> Option<f64> {
    let read = |path: &str| -> Option<f64> {
        let text = std::fs::read_to_string(path).ok()?;
        let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
        Some(nanos / 1_000.0)
    };
    if threads.is_empty() {
        return read(process);
    }
    let mut total = 0.0;
    for thread in std::fs::read_dir(threads).ok()? {
        let path = thread.ok()?.path().join("schedstat");
        total += read(&path.display().to_string()).unwrap_or_default();
    }
    Some(total)
}
