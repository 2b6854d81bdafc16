use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    use std::time::SystemTime as Clock;

    let _started = Clock::now();
    Ok(n)
}

fn main() {}
