use sagewai::prelude::*;

#[step(backoff = 0.5)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
