use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (first, second) = join!(draft(n).await, draft(n + 1)).await;
    Ok(first? + second?)
}

fn main() {}
