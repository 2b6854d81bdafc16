use sagewai::prelude::*;

#[step(pool = "")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
