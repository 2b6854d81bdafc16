use sagewai::prelude::*;

/// Stands in for the crate.
mod rand {
    pub fn random() -> u32 {
        4
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _drawn: u32 = rand::random();
    Ok(n)
}

fn main() {}
