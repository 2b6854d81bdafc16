use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    tokio::select! {
        a = draft(n) => a,
        b = draft(n + 1) => b,
    }
}

fn main() {}
