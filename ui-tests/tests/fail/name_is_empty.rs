use sagewai::prelude::*;

#[step(name = "")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
