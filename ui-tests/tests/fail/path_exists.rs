use sagewai::prelude::*;

#[workflow]
async fn article(n: u32, folder: std::path::PathBuf) -> Result<u32> {
    if folder.exists() {
        return Ok(1);
    }
    Ok(n)
}

fn main() {}
