use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    tokio::spawn(async move { n });
    Ok(n)
}

fn main() {}
