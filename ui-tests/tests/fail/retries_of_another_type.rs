use sagewai::prelude::*;

#[step(retries = "many".len())]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
