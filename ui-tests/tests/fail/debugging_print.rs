use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let n = dbg!(n + 1);
    Ok(n)
}

fn main() {}
