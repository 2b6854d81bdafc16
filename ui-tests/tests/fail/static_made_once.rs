use std::sync::OnceLock;

use sagewai::prelude::*;

static LIMIT: OnceLock<u32> = OnceLock::new();

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let limit = LIMIT.get_or_init(|| n);
    assert!(*limit > 0);
    Ok(n)
}

fn main() {}
