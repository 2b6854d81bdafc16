use sagewai::prelude::*;

#[step(retries = 1.5)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
