use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let home = std::env::var("HOME")?;
    // Stored, it is the same on every replay.
    let kept = record("home", || std::env::var("HOME").unwrap_or_default()).await;
    Ok(n + home.len() as u32 + kept.len() as u32)
}

fn main() {}
