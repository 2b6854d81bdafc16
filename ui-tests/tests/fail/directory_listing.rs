use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    for entry in std::fs::read_dir(".")? {
        drop(entry);
    }
    Ok(n)
}

fn main() {}
