use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (a, b) = join!(draft(n), async { Ok(draft(n).await? + 1) }).await;
    Ok(a? + b?)
}

fn main() {}
