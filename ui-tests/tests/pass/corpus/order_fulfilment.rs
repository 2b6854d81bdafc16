//! A shop: charge, reserve, ship, with compensation.

use std::collections::BTreeMap;

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    id: String,
    lines: BTreeMap<String, u32>,
    cents: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub enum PayError {
    #[error("declined: {0}")]
    Declined(String),
    #[error(transparent)]
    Engine(#[from] Fault),
}

#[step(retries = 3)]
async fn charge(order: &Order, key: &str) -> Result<String, PayError> {
    match order.cents {
        0 => Err(PayError::Declined(key.to_owned())),
        cents => Ok(format!("{}-{cents}", order.id)),
    }
}

#[step]
async fn refund(charge: &str) -> Result<()> {
    let _ = charge;
    Ok(())
}

#[step]
async fn reserve(sku: &str, count: u32) -> Result<bool> {
    Ok(!sku.is_empty() && count < 100)
}

#[step(name = "ship-parcel", timeout = "10m")]
async fn ship(order: &Order) -> Result<String> {
    Ok(format!("parcel of {}", order.id))
}

#[workflow(name = "order-fulfilment")]
async fn fulfil(order: Order) -> Result<String> {
    let key = uuid().await;
    let charge = match charge(&order, &key).await {
        Ok(charge) => charge,
        Err(PayError::Declined(why)) if why.starts_with("limit") => return Ok("over the limit".into()),
        Err(error) => return Err(error.into()),
    };
    for (sku, count) in &order.lines {
        if !reserve(sku, *count).await? {
            refund(&charge).await?;
            return Err(Failure::terminal(format!("{sku} is sold out")));
        }
    }
    ship(&order).await
}

fn main() {
    assert_eq!(sagewai::graph(fulfil).nodes.len(), 5);
}
