use sagewai::prelude::*;

#[step]
#[tokio::main]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

fn main() {}
