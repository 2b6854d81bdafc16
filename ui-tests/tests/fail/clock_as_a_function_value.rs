use std::time::SystemTime;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32, at: Option<SystemTime>) -> Result<u32> {
    let _at = at.unwrap_or_else(SystemTime::now);
    Ok(n)
}

fn main() {}
