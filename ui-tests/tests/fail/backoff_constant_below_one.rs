use sagewai::prelude::*;

const FACTOR: f64 = 0.5;

#[step(backoff = FACTOR)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
