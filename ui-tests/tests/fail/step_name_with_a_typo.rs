use sagewai::prelude::*;

#[step]
async fn research(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    reserch(n).await
}

fn main() {}
