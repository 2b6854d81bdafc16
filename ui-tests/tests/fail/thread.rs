use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    std::thread::spawn(move || n);
    Ok(n)
}

fn main() {}
