use sagewai::prelude::*;

#[step]
async fn draft() -> anyhow::Result<u32> {
    Ok(1)
}

fn main() {}
