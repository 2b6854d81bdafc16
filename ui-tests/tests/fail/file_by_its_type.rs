use std::fs::File;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _file = File::open("article.md")?;
    Ok(n)
}

fn main() {}
