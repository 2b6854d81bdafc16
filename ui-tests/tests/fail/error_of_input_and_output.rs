use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> std::io::Result<u32> {
    Ok(n)
}

fn main() {}
