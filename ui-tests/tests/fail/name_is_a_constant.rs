use sagewai::prelude::*;

const NAME: &str = "draft";

#[step(name = NAME)]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
