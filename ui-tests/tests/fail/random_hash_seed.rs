use std::hash::RandomState;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _seed = RandomState::new();
    Ok(n)
}

fn main() {}
