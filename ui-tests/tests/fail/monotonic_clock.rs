use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _started = std::time::Instant::now();
    Ok(n)
}

fn main() {}
