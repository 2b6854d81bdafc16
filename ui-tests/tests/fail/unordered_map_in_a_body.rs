use std::collections::HashMap;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<usize> {
    let mut seen: HashMap<u32, u32> = HashMap::new();
    seen.insert(n, n);
    Ok(seen.len())
}

fn main() {}
