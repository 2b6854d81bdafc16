use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let name = format!("draft-{n}");
    draft(n).named(&name).await
}

fn main() {}
