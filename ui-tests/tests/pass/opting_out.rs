//! What the rules leave alone: what is stored, and what the author vouches for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime};

use sagewai::prelude::*;
use sagewai::unchecked;

static STARTED: AtomicU32 = AtomicU32::new(0);

#[step]
async fn send(word: &str) -> Result<u32> {
    Ok(word.len() as u32)
}

#[workflow]
async fn vouched_for(words: Vec<String>) -> Result<u32> {
    let home = record("home", || std::env::var("HOME").unwrap_or_default()).await;
    let drawn = record("drawn", || {
        let mut seen = HashMap::from([(1, SystemTime::now())]);
        for (_, at) in &mut seen {
            *at = SystemTime::now();
        }
        seen.len() as u32
    })
    .await;
    let began = unchecked(Instant::now());
    let number = unchecked(STARTED.fetch_add(1, Ordering::Relaxed));
    unchecked(println!("{number}: {home}, {drawn}"));
    let counts = unchecked(HashMap::<&str, u32>::new());
    let mut sum = 0;
    for count in unchecked(&counts).values().copied().collect::<Vec<_>>() {
        sum += count;
    }
    for (_, count) in unchecked(counts) {
        sum += count;
    }
    for word in &words {
        sum += sagewai::unchecked(send(word)).await?;
    }
    let _ = unchecked(dbg!(unchecked(began.elapsed())));
    Ok(sum)
}

fn main() {
    assert_eq!(unchecked(3), 3);
    assert_eq!(sagewai::graph(vouched_for).nodes.len(), 3);
}
