use sagewai::prelude::*;

#[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum PayError {
    #[error(transparent)]
    Engine(#[from] Fault),
}

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32, PayError> {
    Ok(draft(n).await?)
}

fn main() {}
