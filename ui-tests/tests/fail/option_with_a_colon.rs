use sagewai::prelude::*;

#[step(retries: 3)]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

fn main() {}
