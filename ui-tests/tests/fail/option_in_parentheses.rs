use sagewai::prelude::*;

#[step(retries(3))]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
