use sagewai::prelude::*;

#[workflow]
async fn article(n: u32, started: std::time::SystemTime) -> Result<u32> {
    assert!(started.elapsed().is_ok());
    Ok(n)
}

fn main() {}
