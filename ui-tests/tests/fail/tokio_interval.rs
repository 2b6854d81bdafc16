use std::time::Duration;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _ticks = tokio::time::interval(Duration::from_secs(1));
    Ok(n)
}

fn main() {}
