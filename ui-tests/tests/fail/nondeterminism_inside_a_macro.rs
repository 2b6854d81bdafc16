use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    assert!(matches!(std::env::var("HOME"), Ok(home) if home.len() > n as usize));
    Ok(n)
}

fn main() {}
