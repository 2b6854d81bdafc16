use sagewai::prelude::*;

#[step(name = "blog/draft")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
