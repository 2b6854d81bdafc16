use sagewai::prelude::*;

#[step("draft")]
async fn draft() -> Result<u32> {
    Ok(1)
}

fn main() {}
