use std::thread;
use std::time::Duration;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    thread::sleep(Duration::from_secs(1));
    Ok(n)
}

fn main() {}
