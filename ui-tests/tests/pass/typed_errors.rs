use sagewai::prelude::*;
use sagewai::{Classify, Step};

#[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
enum ChargeError {
    #[error("declined: {0}")]
    Declined(String),
    #[error("the bank is unreachable")]
    Unreachable,
    #[error(transparent)]
    Engine(#[from] Fault),
}

impl Classify for ChargeError {
    fn is_terminal(&self) -> bool {
        matches!(self, ChargeError::Declined(_))
    }
}

#[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
enum ShipError {
    #[error(transparent)]
    Engine(#[from] Fault),
    #[error(transparent)]
    Charge(#[from] ChargeError),
}

#[step(retries = 3)]
async fn charge(cents: u32) -> Result<u32, ChargeError> {
    match cents {
        0 => Err(ChargeError::Unreachable),
        1 => Err(ChargeError::Declined("limit".into())),
        cents => Ok(cents),
    }
}

#[step]
async fn ship(cents: u32) -> std::result::Result<u32, ShipError> {
    Ok(cents)
}

/// Its own error, and `?` of others into it.
#[workflow]
async fn order(cents: u32) -> Result<u32, ShipError> {
    let paid = charge(cents).await?;
    sleep(std::time::Duration::from_secs(1)).await?;
    ship(paid).await
}

/// The typed error is there to be matched.
#[workflow]
async fn careful(cents: u32) -> Result<u32> {
    match charge(cents).await {
        Ok(paid) => Ok(paid),
        Err(ChargeError::Declined(why)) if why == "limit" => Ok(charge(cents / 2).await?),
        Err(other) => Err(other.into()),
    }
}

fn main() {
    assert!(charge::is_terminal(&ChargeError::Declined(String::new())));
    assert!(!charge::is_terminal(&ChargeError::Unreachable));
    // An error that does not say is retried.
    assert!(!ship::is_terminal(&ShipError::Charge(ChargeError::Declined(String::new()))));
    let _ = (order(1), careful(2));
}
