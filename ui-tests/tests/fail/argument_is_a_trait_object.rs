use sagewai::prelude::*;

#[step]
async fn draft(each: Box<dyn Fn(u32) -> u32>) -> Result<u32> {
    Ok(each(1))
}

fn main() {}
