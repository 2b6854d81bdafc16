use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

macro_rules! twice {
    ($value:expr) => {
        $value * 2
    };
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    Ok(twice!(draft(n).await?))
}

fn main() {}
