use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _here = std::env::current_dir()?;
    Ok(n)
}

fn main() {}
