use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
#[tokio::test]
async fn article(n: u32) -> Result<u32> {
    draft(n).await
}

fn main() {}
