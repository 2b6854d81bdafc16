use sagewai::prelude::*;

const MOST: u32 = 0;

#[workflow(concurrency_per_key = MOST)]
async fn article() -> Result<u32> {
    Ok(1)
}

fn main() {}
