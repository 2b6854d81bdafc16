use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

use std::time::Duration;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    match race!(draft(n), tokio::time::sleep(Duration::from_secs(1))).await {
        Won2::A(draft) => draft,
        Won2::B(()) => Ok(0),
    }
}

fn main() {}
