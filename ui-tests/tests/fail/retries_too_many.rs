use sagewai::prelude::*;

#[step(retries = 5_000_000_000)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
