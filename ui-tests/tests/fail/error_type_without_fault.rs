use sagewai::prelude::*;

#[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
enum PayError {
    #[error("declined")]
    Declined,
}

#[step]
async fn pay(n: u32) -> Result<u32, PayError> {
    let _ = n;
    Err(PayError::Declined)
}

fn main() {}
