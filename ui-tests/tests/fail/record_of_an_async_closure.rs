use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let recorded = record("number", async || n).await;
    draft(recorded).await
}

fn main() {}
