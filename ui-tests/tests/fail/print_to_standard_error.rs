use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    eprintln!("n is {n}");
    Ok(n)
}

fn main() {}
