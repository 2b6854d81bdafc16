//! A message from outside, with a limit: an order waits for its payment, and gives the goods back when none comes.

use std::time::Duration;

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

/// What the payment service says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payment {
    reference: String,
    cents: u64,
}

/// Puts goods aside.
#[step]
async fn reserve(item: &str) -> Result<String> {
    Ok(format!("shelf 7: {item}"))
}

/// Sends them.
#[step(retries = 3)]
async fn ship(reserved: &str, payment: &Payment) -> Result<String> {
    Ok(format!(
        "shipped {reserved}, paid {} cents by {}",
        payment.cents, payment.reference
    ))
}

/// Puts them back.
#[step]
async fn release(reserved: &str) -> Result<String> {
    Ok(format!("put back {reserved}: no payment came"))
}

/// Reserves, waits for the payment, ships or gives up.
#[workflow]
async fn order(item: String, patience_ms: u64) -> Result<String> {
    let reserved = reserve(&item).await?;
    let limit = Duration::from_millis(patience_ms);
    match signal::<Payment>("payment").timeout(limit).await {
        Ok(payment) => ship(&reserved, &payment).await,
        Err(Fault::TimedOut { .. }) => release(&reserved).await,
        Err(fault) => Err(fault.into()),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let store = sagewai::store::open("memory:").await?;
    let client = Client::new(&store);
    let worker = WorkflowWorker::builder(&store)
        .workflow(order)
        .start()
        .await?;

    let paid = order("a lamp".into(), 60_000)
        .run_id("order-1")
        .start(&client)
        .await?;
    let unpaid = order("a chair".into(), 200)
        .run_id("order-2")
        .start(&client)
        .await?;

    // What a webhook would do, in whatever process it runs. The service calls it twice, and it is one message.
    let payment = Payment {
        reference: "card 4242".to_owned(),
        cents: 1999,
    };
    for _ in 0..2 {
        client
            .signal("order-1", "payment", &payment)
            .id("evt_1")
            .await?;
    }
    println!("{}", paid.result().await?);
    println!("{}", unpaid.result().await?);

    let late = client.signal("order-2", "payment", &payment).await;
    println!("a payment that comes too late: {}", late.unwrap_err());
    worker.shutdown().await?;
    Ok(())
}
