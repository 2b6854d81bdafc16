use sagewai::prelude::*;

#[step(retry = 3)]
async fn draft() -> Result<u32> {
    Ok(1)
}

#[workflow(timeout = 3)]
async fn article() -> Result<u32> {
    draft().await
}

fn main() {}
