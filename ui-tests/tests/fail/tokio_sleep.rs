use std::time::Duration;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(n)
}

fn main() {}
