use sagewai::prelude::*;

#[workflow(version = "2")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
