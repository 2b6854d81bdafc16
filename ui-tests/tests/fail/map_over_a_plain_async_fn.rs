use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

async fn helper(n: u32) -> u32 {
    n
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let all = map(0..n, |n| helper(n)).await;
    Ok(all.len() as u32)
}

fn main() {}
