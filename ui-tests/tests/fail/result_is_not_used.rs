use sagewai::prelude::*;

#[step]
async fn send(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn notify(n: u32) -> Result<u32> {
    send(n).await;
    Ok(n)
}

fn main() {}
