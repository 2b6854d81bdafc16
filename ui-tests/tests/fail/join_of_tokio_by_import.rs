use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

use tokio::join;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (a, b) = join!(draft(n), draft(n + 1));
    Ok(a? + b?)
}

fn main() {}
