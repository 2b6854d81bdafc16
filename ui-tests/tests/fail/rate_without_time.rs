use sagewai::prelude::*;

#[workflow(rate = "100")]
async fn article() -> Result<u32> {
    Ok(1)
}

fn main() {}
