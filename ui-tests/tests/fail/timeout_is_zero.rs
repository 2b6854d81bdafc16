use sagewai::prelude::*;

#[step(timeout = 0)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
