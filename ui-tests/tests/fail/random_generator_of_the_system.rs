use sagewai::prelude::*;

/// Stands in for the crate.
mod rand {
    pub struct OsRng;
}
use rand::OsRng;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _rng = OsRng;
    Ok(n)
}

fn main() {}
