use sagewai::prelude::*;

#[workflow(labels())]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
