use std::io::{self, Write};

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    io::stdout().write_all(b"done")?;
    Ok(n)
}

fn main() {}
