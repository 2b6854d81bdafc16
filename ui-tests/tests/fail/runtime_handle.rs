use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _handle = tokio::runtime::Handle::current();
    Ok(n)
}

fn main() {}
