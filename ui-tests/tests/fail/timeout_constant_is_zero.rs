use std::time::Duration;

use sagewai::prelude::*;

const LIMIT: Duration = Duration::ZERO;

#[step(timeout = LIMIT)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
