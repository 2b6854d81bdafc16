use std::collections::HashMap;

use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(numbers: HashMap<String, u32>) -> Result<Vec<u32>> {
    try_map(numbers.values(), |n| draft(*n)).await
}

fn main() {}
