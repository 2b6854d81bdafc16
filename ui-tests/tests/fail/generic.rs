use sagewai::prelude::*;

#[step]
async fn draft<T: Send>(n: T) -> Result<u32> {
    let _ = n;
    Ok(1)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    draft(n).await
}

fn main() {}
