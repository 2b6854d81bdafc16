use tokio::task;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    task::spawn(std::future::ready(n));
    Ok(n)
}

fn main() {}
