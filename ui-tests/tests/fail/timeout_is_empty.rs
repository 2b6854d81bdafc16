use sagewai::prelude::*;

#[step(timeout = "")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
