use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32>
where
    u32: Copy,
{
    Ok(n)
}

fn main() {}
