use sagewai::prelude::*;

#[step]
const fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

fn main() {}
