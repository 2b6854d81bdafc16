//! Money in integers, iterators, sums, sorting: plain computation is free.

use std::collections::BTreeMap;

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shift {
    who: String,
    minutes: u32,
    night: bool,
}

#[step]
async fn shifts(month: &str) -> Result<Vec<Shift>> {
    Ok(vec![Shift { who: month.to_owned(), minutes: 60, night: false }])
}

#[step(retries = 8)]
async fn transfer(who: &str, cents: u64, reference: &str) -> Result<()> {
    let _ = (who, cents, reference);
    Ok(())
}

#[workflow]
async fn payroll(month: String, cents_per_hour: u64) -> Result<u64> {
    let mut shifts = shifts(&month).await?;
    shifts.sort_by(|a, b| a.who.cmp(&b.who).then(b.minutes.cmp(&a.minutes)));
    shifts.dedup_by(|a, b| a.who == b.who && a.minutes == b.minutes);
    let by_person = shifts.iter().fold(BTreeMap::<&str, u64>::new(), |mut sums, shift| {
        let factor = if shift.night { 150 } else { 100 };
        *sums.entry(&shift.who).or_default() += u64::from(shift.minutes) * factor;
        sums
    });
    let total: u64 = by_person.values().map(|weighted| weighted * cents_per_hour / 6_000).sum();
    if total > 1_000_000 {
        approval("payroll").context(&total).await?;
    }
    for (number, (who, weighted)) in by_person.into_iter().enumerate() {
        let cents = weighted * cents_per_hour / 6_000;
        transfer(who, cents, &format!("{month}/{number}")).await?;
    }
    Ok(total)
}

fn main() {
    assert_eq!(sagewai::graph(payroll).nodes.len(), 3);
}
