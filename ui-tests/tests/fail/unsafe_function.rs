use sagewai::prelude::*;

#[step]
async unsafe fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

fn main() {}
