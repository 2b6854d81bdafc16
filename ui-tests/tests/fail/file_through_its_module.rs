use std::fs;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _text = fs::read_to_string("article.md")?;
    Ok(n)
}

fn main() {}
