//! Reads pages until there are none, keeps what could not be read, and reports.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    rows: Vec<Row>,
    next: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row {
    key: String,
    value: i64,
}

#[step(retries = 10, timeout = 30)]
async fn fetch_page(cursor: String) -> Result<Page> {
    Ok(Page { rows: vec![Row { key: cursor, value: 1 }], next: None })
}

#[step]
async fn save(rows: &[Row]) -> Result<usize> {
    Ok(rows.len())
}

#[workflow(name = "data-import")]
async fn import(first: String) -> Result<BTreeMap<String, usize>> {
    let mut cursors = VecDeque::from([first]);
    let mut seen = BTreeSet::new();
    let mut report = BTreeMap::new();
    while let Some(cursor) = cursors.pop_front() {
        if !seen.insert(cursor.clone()) {
            continue;
        }
        let Ok(page) = fetch_page(cursor.clone()).await else {
            *report.entry("unreadable".to_owned()).or_insert(0) += 1;
            continue;
        };
        let (good, bad): (Vec<Row>, Vec<Row>) = page.rows.into_iter().partition(|row| row.value >= 0);
        for chunk in good.chunks(100) {
            *report.entry("saved".to_owned()).or_insert(0) += save(chunk).await?;
        }
        report.insert("bad".to_owned(), bad.len());
        cursors.extend(page.next);
    }
    Ok(report)
}

fn main() {
    assert_eq!(sagewai::graph(import).nodes.len(), 2);
}
