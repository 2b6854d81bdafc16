use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let all = try_map(0..n, |_| now()).await?;
    Ok(all.len() as u32)
}

fn main() {}
