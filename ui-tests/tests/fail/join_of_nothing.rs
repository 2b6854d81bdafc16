use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    join!().await;
    Ok(n)
}

fn main() {}
