use sagewai::prelude::*;

#[step]
async fn draft((a, b): (u32, u32)) -> Result<u32> {
    Ok(a + b)
}

fn main() {}
