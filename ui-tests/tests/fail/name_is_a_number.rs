use sagewai::prelude::*;

#[step(name = 3)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
