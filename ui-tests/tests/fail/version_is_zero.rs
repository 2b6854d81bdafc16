use sagewai::prelude::*;

#[workflow(version = 0)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
