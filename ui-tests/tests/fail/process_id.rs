use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _id = std::process::id();
    Ok(n)
}

fn main() {}
