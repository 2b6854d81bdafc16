use sagewai::prelude::*;

mod clock {
    pub use std::time::Instant;
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _started = clock::Instant::now();
    Ok(n)
}

fn main() {}
