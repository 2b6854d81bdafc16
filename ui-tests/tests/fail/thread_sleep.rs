use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    std::thread::sleep(std::time::Duration::from_secs(1));
    Ok(n)
}

fn main() {}
