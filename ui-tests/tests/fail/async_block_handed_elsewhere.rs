use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let later = Box::pin(async move { draft(n).await });
    later.await
}

fn main() {}
