use sagewai::prelude::*;

#[step]
#[workflow]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

fn main() {}
