use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (_sender, receiver) = std::sync::mpsc::channel::<u32>();
    let received = receiver.recv()?;
    draft(n + received).await
}

fn main() {}
