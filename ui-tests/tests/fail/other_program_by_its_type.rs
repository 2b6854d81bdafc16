use std::process::Command;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _child = Command::new("ls").spawn()?;
    Ok(n)
}

fn main() {}
