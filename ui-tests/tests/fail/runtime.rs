use tokio::runtime::Runtime;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _runtime = Runtime::new()?;
    Ok(n)
}

fn main() {}
