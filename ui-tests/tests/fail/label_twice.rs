use sagewai::prelude::*;

#[step(labels(gpu = true, gpu = false))]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
