use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    use std::time::*;

    let _started = Instant::now();
    Ok(n)
}

fn main() {}
