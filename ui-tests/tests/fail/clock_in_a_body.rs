use std::time::SystemTime;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _started = SystemTime::now();
    Ok(n)
}

fn main() {}
