use sagewai::prelude::*;

#[step(color = "red")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
