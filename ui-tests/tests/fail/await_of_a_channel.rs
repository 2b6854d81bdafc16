use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (_sender, receiver) = tokio::sync::oneshot::channel::<u32>();
    Ok(n + receiver.await?)
}

fn main() {}
