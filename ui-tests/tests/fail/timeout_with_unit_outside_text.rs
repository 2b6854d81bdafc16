use sagewai::prelude::*;

#[step(timeout = 30s)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
