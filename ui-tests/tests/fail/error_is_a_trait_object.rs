use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    Ok(n)
}

fn main() {}
