use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (a, _) = join!(draft(n), async {
        let at = std::time::Instant::now();
        draft(n).await
    })
    .await;
    a
}

fn main() {}
