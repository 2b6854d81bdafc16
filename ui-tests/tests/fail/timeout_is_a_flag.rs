use sagewai::prelude::*;

#[step(timeout = true)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
