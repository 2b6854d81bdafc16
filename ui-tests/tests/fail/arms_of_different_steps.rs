use sagewai::prelude::*;

#[step]
async fn long(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
async fn short(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let call = if n > 1 { long(n) } else { short(n) };
    call.await
}

fn main() {}
