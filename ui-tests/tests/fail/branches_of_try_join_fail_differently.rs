use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[derive(Debug, serde::Serialize, serde::Deserialize, thiserror::Error)]
enum Declined {
    #[error(transparent)]
    Engine(#[from] Fault),
}

#[step]
async fn charge(n: u32) -> Result<u32, Declined> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (a, b) = try_join!(draft(n), charge(n)).await?;
    Ok(a + b)
}

fn main() {}
