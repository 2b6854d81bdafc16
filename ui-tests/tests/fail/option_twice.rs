use sagewai::prelude::*;

#[step(retries = 1, retries = 2)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
