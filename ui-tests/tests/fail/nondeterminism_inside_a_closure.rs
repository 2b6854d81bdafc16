use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let draw = |limit: u32| std::process::id() % limit;
    assert!(draw(n) < n);
    Ok(n)
}

fn main() {}
