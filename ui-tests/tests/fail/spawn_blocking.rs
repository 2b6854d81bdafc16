use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    tokio::task::spawn_blocking(move || n);
    Ok(n)
}

fn main() {}
