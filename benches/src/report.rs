//! What was measured: medians, their relation to the floor, as JSON and as tables.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::meter::{COUNTED, Spent};

/// Figures of one kind of work on one kind of store.
#[derive(Debug, Clone)]
pub struct Row {
    pub work: String,
    /// What figures are counted by: `run`, `step`, `claimed run`.
    pub unit: &'static str,
    pub figures: BTreeMap<String, f64>,
}

impl Row {
    pub fn new(work: impl Into<String>, unit: &'static str) -> Row {
        Row {
            work: work.into(),
            unit,
            figures: BTreeMap::new(),
        }
    }

    pub fn with(mut self, name: &str, value: f64) -> Row {
        self.figures.insert(name.to_owned(), value);
        self
    }

    /// What was spent on so many.
    pub fn spent(mut self, spent: &Spent, count: f64) -> Row {
        for (name, total) in COUNTED.iter().zip(spent) {
            if let Some(total) = total {
                self.figures.insert((*name).to_owned(), total / count);
            }
        }
        self
    }

    /// Latencies in microseconds.
    pub fn latencies(self, mut us: Vec<u32>) -> Row {
        us.sort_unstable();
        let (p50, p99) = (percentile(&us, 0.5), percentile(&us, 0.99));
        self.with("p50_ms", p50).with("p99_ms", p99)
    }

    /// Of client and server.
    pub fn cpu_us(&self) -> Option<f64> {
        let client = self.figures.get("client_us")?;
        Some(client + self.figures.get("server_us").copied().unwrap_or_default())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a list"
)]
fn percentile(sorted_us: &[u32], part: f64) -> f64 {
    let place = (sorted_us.len() as f64 * part) as usize;
    let last = sorted_us.len().saturating_sub(1);
    sorted_us
        .get(place.min(last))
        .map_or(0.0, |us| f64::from(*us) / 1_000.0)
}

/// One row for all rounds: of each figure the median.
pub fn median(rounds: &[Row]) -> Option<Row> {
    let mut row = rounds.first()?.clone();
    for (name, value) in &mut row.figures {
        let mut all: Vec<f64> = rounds
            .iter()
            .filter_map(|r| r.figures.get(name).copied())
            .collect();
        all.sort_unstable_by(f64::total_cmp);
        *value = all[all.len() / 2];
    }
    Some(row)
}

/// Rows that a 3-step run leaves: its own, its input, three steps, its result.
const ROWS_OF_A_RUN: f64 = 6.0;
/// Commits of a run that is alone: its start, its claim, two steps, the third with the result.
const COMMITS_OF_A_RUN: f64 = 5.0;

/// Sets the lives of 3-step runs beside what the database charges for a bare commit and for rows in batches.
pub fn beside_the_floor(rows: &mut [Row]) {
    let find = |work: &str, rows: &[Row]| rows.iter().find(|r| r.work == work).cloned();
    let commit = find("floor: a bare commit", rows).and_then(|r| r.figures.get("p50_ms").copied());
    let row_us = find("floor: rows in batches", rows).and_then(|r| r.cpu_us());
    for row in rows
        .iter_mut()
        .filter(|r| r.work.starts_with("life of 3-step runs, 100 B"))
    {
        let alone = row.work.ends_with(", 1 at once");
        let (cpu, p50) = (row.cpu_us(), row.figures.get("p50_ms").copied());
        if let (Some(cpu), Some(floor), false) = (cpu, row_us, alone) {
            row.figures
                .insert("times_floor_cpu".to_owned(), cpu / (floor * ROWS_OF_A_RUN));
        }
        if let (Some(p50), Some(floor), true) = (p50, commit, alone) {
            row.figures.insert(
                "times_floor_latency".to_owned(),
                p50 / (floor * COMMITS_OF_A_RUN),
            );
        }
    }
}

/// Everything, for programs.
pub fn json(about: &Value, stores: &[(&str, Vec<Row>)]) -> Value {
    let rows = |rows: &[Row]| -> Vec<Value> {
        let row = |r: &Row| json!({ "work": r.work, "unit": r.unit, "figures": r.figures });
        rows.iter().map(row).collect()
    };
    let stores: BTreeMap<&str, Vec<Value>> =
        stores.iter().map(|(name, r)| (*name, rows(r))).collect();
    json!({ "about": about, "stores": stores })
}

const COLUMNS: [(&str, &str, usize); 9] = [
    ("per_second", "per s", 0),
    ("p50_ms", "p50 ms", 2),
    ("p99_ms", "p99 ms", 2),
    ("client_us", "client µs", 0),
    ("server_us", "server µs", 0),
    ("commits", "commits", 2),
    ("statements", "statements", 2),
    ("wal_bytes", "WAL bytes", 0),
    ("fsyncs", "fsyncs", 2),
];

/// A table for people. What has no column stands at the end.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = "| work | by |".to_owned();
    for (_, title, _) in COLUMNS {
        let _ = write!(text, " {title} |");
    }
    text.push_str(" more |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for row in rows {
        let _ = write!(text, "| {} | {} |", row.work, row.unit);
        for (name, _, digits) in COLUMNS {
            let _ = match row.figures.get(name) {
                Some(value) => write!(text, " {value:.digits$} |"),
                None => write!(text, " – |"),
            };
        }
        let known = |name: &str| COLUMNS.iter().any(|(column, ..)| *column == name);
        let more = row.figures.iter().filter(|(name, _)| !known(name));
        let more: Vec<String> = more
            .map(|(name, value)| format!("{} {value:.2}", name.replace('_', " ")))
            .collect();
        let _ = writeln!(text, " {} |", more.join(", "));
    }
    text
}
