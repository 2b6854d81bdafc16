use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    Ok(n)
}

async fn handler() {
    let _ = article(1).await;
}

fn main() {}
