use std::env;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _args: Vec<String> = env::args().collect();
    Ok(n)
}

fn main() {}
