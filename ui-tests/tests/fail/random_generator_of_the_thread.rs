use sagewai::prelude::*;

/// Stands in for the crate.
mod rand {
    pub fn thread_rng() -> u32 {
        4
    }
}
use rand::thread_rng;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _rng = thread_rng();
    Ok(n)
}

fn main() {}
