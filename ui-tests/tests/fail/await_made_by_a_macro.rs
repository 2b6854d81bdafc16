use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

macro_rules! fetch {
    ($call:expr) => {
        $call.await
    };
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let first = draft(n).await?;
    fetch!(draft(first))
}

fn main() {}
