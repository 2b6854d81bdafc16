use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(n)
}

fn main() {}
