use std::process;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    if n > 3 {
        process::exit(1);
    }
    Ok(n)
}

fn main() {}
