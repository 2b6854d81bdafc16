use sagewai::prelude::*;

async fn helper(n: u32) -> u32 {
    n
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    Ok(helper(n).await)
}

fn main() {}
