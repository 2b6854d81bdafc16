use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

async fn helper(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (a, b) = try_join!(draft(n), helper(n)).await?;
    Ok(a + b)
}

fn main() {}
