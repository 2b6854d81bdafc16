use sagewai::prelude::*;

#[workflow(labels(gpu = true, share = 0.5))]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
