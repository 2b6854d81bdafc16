use std::time::Duration;

use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    sleep(Duration::from_secs(1));
    Ok(n)
}

fn main() {}
