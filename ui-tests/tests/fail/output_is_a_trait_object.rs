use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<Box<dyn Fn(u32) -> u32 + Send>> {
    Ok(Box::new(move |m| m + n))
}

fn main() {}
