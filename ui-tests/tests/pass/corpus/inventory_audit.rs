//! Works on hash maps that steps return: looked up, summed, and gone through in order.

use std::collections::{BTreeMap, HashMap};

use sagewai::prelude::*;

#[step]
async fn stock(warehouse: &str) -> Result<HashMap<String, u32>> {
    Ok(HashMap::from([(warehouse.to_owned(), 3)]))
}

#[step]
async fn expected() -> Result<HashMap<String, u32>> {
    Ok(HashMap::from([("north".to_owned(), 4)]))
}

#[step]
async fn recount(item: &str, missing: u32) -> Result<u32> {
    Ok(missing + item.len() as u32)
}

#[workflow(name = "inventory-audit")]
async fn audit(warehouse: String) -> Result<u32> {
    let stock = stock(&warehouse).await?;
    let expected = BTreeMap::from_iter(expected().await?);
    let total: u32 = stock.values().sum();
    if stock.contains_key("nothing") || total == 0 {
        return Ok(0);
    }
    let mut recounted = 0;
    for (item, wanted) in &expected {
        let there = stock.get(item).copied().unwrap_or_default();
        if let Some(missing) = wanted.checked_sub(there)
            && missing > 0
        {
            recounted += recount(item, missing).await?;
        }
    }
    let mut known = sagewai::unchecked(HashMap::new());
    for word in ["a", "b"] {
        *known.entry(word).or_insert(0) += 1;
    }
    for count in sagewai::unchecked(known.values()) {
        recounted += count;
    }
    Ok(recounted)
}

fn main() {
    assert_eq!(sagewai::graph(audit).nodes.len(), 3);
}
