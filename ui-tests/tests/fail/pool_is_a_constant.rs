use sagewai::prelude::*;

#[step(pool = POOL)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
