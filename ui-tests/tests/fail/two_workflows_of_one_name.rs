use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32, again: bool) -> Result<u32> {
    Ok(n + u32::from(again))
}

fn main() {}
