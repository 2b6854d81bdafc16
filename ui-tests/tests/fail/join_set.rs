use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let mut set = tokio::task::JoinSet::new();
    set.spawn(std::future::ready(n));
    Ok(n)
}

fn main() {}
