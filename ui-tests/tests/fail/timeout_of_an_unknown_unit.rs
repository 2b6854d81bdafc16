use sagewai::prelude::*;

#[step(timeout = "5 parsecs")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
