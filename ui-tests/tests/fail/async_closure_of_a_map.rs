use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(numbers: Vec<u32>) -> Result<Vec<u32>> {
    try_map(numbers, async |n| draft(n).await).await
}

fn main() {}
