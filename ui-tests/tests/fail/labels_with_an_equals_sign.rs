use sagewai::prelude::*;

#[step(labels = "gpu")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
