use sagewai::prelude::*;

#[step(retries)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
