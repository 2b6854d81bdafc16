use std::sync::atomic::{AtomicU32, Ordering};

use sagewai::prelude::*;

static STARTED: AtomicU32 = AtomicU32::new(0);

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    assert!(number < n);
    Ok(n)
}

fn main() {}
