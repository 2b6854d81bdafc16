use sagewai::prelude::*;

#[step(retry_delay = 1 + 1)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
