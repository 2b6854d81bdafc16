//! Renews every month until it is called off, and reminds with growing pauses when a payment fails.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sagewai::prelude::*;

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[step(retries = 2)]
async fn pay(customer: &str, due_day: u64) -> Result<bool> {
    Ok(customer.len() as u64 > due_day % 3)
}

#[step]
async fn remind(customer: &str, number: u32) -> Result<()> {
    let _ = (customer, number);
    Ok(())
}

#[step]
async fn is_called_off(customer: String) -> Result<bool> {
    Ok(customer.is_empty())
}

fn day(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400)
}

#[workflow]
async fn subscription(customer: String, months: u32) -> Result<u32> {
    let began = now().await;
    let mut paid = 0;
    'months: for month in 0..months {
        let due = began + MONTH * month;
        sleep_until(due).await?;
        if is_called_off(customer.clone()).await? {
            break;
        }
        let mut reminders = 0;
        while !pay(&customer, day(due)).await? {
            reminders += 1;
            if reminders > 3 {
                break 'months;
            }
            remind(&customer, reminders).await?;
            sleep(Duration::from_secs(86_400) * 2u32.pow(reminders)).await?;
        }
        paid += 1;
    }
    Ok(paid)
}

fn main() {
    assert_eq!(sagewai::graph(subscription).nodes.len(), 6);
}
