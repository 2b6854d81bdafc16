use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let mut sum = 0;
    join!(
        async { sum += draft(n).await.unwrap_or(0) },
        async { sum += draft(n).await.unwrap_or(0) }
    )
    .await;
    Ok(sum)
}

fn main() {}
