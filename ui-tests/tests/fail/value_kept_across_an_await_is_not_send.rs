use std::rc::Rc;

use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let shared = Rc::new(n);
    let written = draft(n).await?;
    Ok(written + *shared)
}

fn main() {}
