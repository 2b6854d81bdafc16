use sagewai::prelude::*;

#[workflow(concurrency = 0)]
async fn article() -> Result<u32> {
    Ok(1)
}

fn main() {}
