use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<impl Clone> {
    Ok(n)
}

fn main() {}
