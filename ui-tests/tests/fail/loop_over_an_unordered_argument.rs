use std::collections::HashSet;

use sagewai::prelude::*;

#[step]
async fn send(name: &str) -> Result<()> {
    let _ = name;
    Ok(())
}

#[workflow]
async fn article(n: u32, names: HashSet<String>) -> Result<u32> {
    for name in names {
        send(&name).await?;
    }
    Ok(n)
}

fn main() {}
