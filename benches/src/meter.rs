//! Reads what was spent: processor time from the operating system (Linux), commits, statements, bytes of the log and
//! flushes to disk from the server. What cannot be read is left out.

use std::fs;

use sagewai::Result;
use sqlx::{Connection, PgConnection};
use tokio::sync::Mutex;

/// Names of what is counted, in the order of [`Spent`].
pub const COUNTED: [&str; 6] = [
    "client_us",
    "server_us",
    "commits",
    "statements",
    "wal_bytes",
    "fsyncs",
];

/// Totals at one moment, or the difference of two.
pub type Spent = [Option<f64>; COUNTED.len()];

/// What was spent between two moments.
pub fn since(before: &Spent, after: &Spent) -> Spent {
    std::array::from_fn(|n| Some(after[n]? - before[n]?))
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
        // Where the server was started without it, there is nothing to count with.
        let create = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements";
        let created = sqlx::raw_sql(create).execute(&mut server).await;
        let read = sqlx::query("SELECT count(*) FROM pg_stat_statements");
        let counts_statements = created.is_ok() && read.execute(&mut server).await.is_ok();
        Ok(Meter {
            server: Some(Mutex::new(server)),
            counts_statements,
        })
    }

    /// The totals so far, of this process and of `others`.
    pub async fn read(&self, others: &[u32]) -> Result<Spent> {
        let own = cpu_us_of_process(std::process::id());
        let others = others.iter().map(|pid| cpu_us_of_process(*pid));
        let client = others.fold(own, |sum, cpu| Some(sum? + cpu?));
        let Some(server) = &self.server else {
            return Ok([client, None, None, None, None, None]);
        };
        let mut server = server.lock().await;
        // Commits that wrote something: reads have no transaction id of their own.
        let (commits, wal_bytes, fsyncs, pid): (f64, f64, f64, i32) = sqlx::query_as(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::float8,
                    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8,
                    (SELECT wal_sync::float8 FROM pg_stat_wal), pg_backend_pid()",
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
        let server_us = cpu_us_of_server(pid.unsigned_abs());
        Ok([
            client,
            server_us,
            Some(commits),
            statements,
            Some(wal_bytes),
            Some(fsyncs),
        ])
    }
}

/// Fields of a process's line of state, after its name.
fn state_of(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// The clock of these figures ticks a hundred times a second, everywhere that Linux runs on by now.
const TICK_US: f64 = 10_000.0;

fn ticks_us(fields: &[String], places: [usize; 2]) -> Option<f64> {
    let tick = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((tick(places[0])? + tick(places[1])?) * TICK_US)
}

/// Microseconds on a processor of a process with all its threads. None where the system is another.
pub fn cpu_us_of_process(pid: u32) -> Option<f64> {
    ticks_us(&state_of(pid)?, [11, 12])
}

/// Of a server: the process that has all others as children, those that are there, and those that have ended.
fn cpu_us_of_server(backend: u32) -> Option<f64> {
    let parent: u32 = state_of(backend)?.get(1)?.parse().ok()?;
    let mut total = nanos_us(parent)? + ticks_us(&state_of(parent)?, [13, 14])?;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let is_child = state_of(pid).is_some_and(|s| s.get(1) == Some(&parent.to_string()));
        if is_child {
            total += nanos_us(pid).unwrap_or_default();
        }
    }
    Some(total)
}

/// Finer, for processes of one thread.
fn nanos_us(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos / 1_000.0)
}

/// Kilobytes of memory that a process has in use.
pub fn memory_kb(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
