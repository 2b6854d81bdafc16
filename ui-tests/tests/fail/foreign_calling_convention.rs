use sagewai::prelude::*;

#[step]
async extern "C" fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

fn main() {}
