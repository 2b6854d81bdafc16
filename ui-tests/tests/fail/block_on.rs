use sagewai::prelude::*;

fn runtime() -> tokio::runtime::Handle {
    tokio::runtime::Handle::current()
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let n = runtime().block_on(std::future::ready(n));
    Ok(n)
}

fn main() {}
