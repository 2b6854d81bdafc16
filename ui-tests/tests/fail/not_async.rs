use sagewai::prelude::*;

#[step]
fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

/// A call of the step gives no second error.
#[workflow]
async fn article(n: u32) -> Result<u32> {
    draft(n).await
}

fn main() {}
