use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (a, _) = try_join!(draft(n), now()).await?;
    Ok(a)
}

fn main() {}
