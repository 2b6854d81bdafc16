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
    let (a, b) = join!(draft(n), async { helper(n).await }).await;
    Ok(a? + b)
}

fn main() {}
