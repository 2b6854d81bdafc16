use std::collections::HashMap;

use sagewai::prelude::*;

#[step]
async fn scores(n: u32) -> Result<HashMap<String, u32>> {
    Ok(HashMap::from([("a".to_owned(), n)]))
}

#[step]
async fn send(name: &str) -> Result<()> {
    let _ = name;
    Ok(())
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let scores = scores(n).await?;
    for name in scores.keys().filter(|name| name.len() > 3) {
        send(name).await?;
    }
    Ok(n)
}

fn main() {}
