use std::collections::HashSet;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let mut seen = HashSet::new();
    seen.insert(n);
    Ok(n)
}

fn main() {}
