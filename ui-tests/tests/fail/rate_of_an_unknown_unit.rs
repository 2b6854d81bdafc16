use sagewai::prelude::*;

#[workflow(rate_per_key = "5/1 fortnight")]
async fn article() -> Result<u32> {
    Ok(1)
}

fn main() {}
