use sagewai::prelude::*;

#[workflow]
async fn article<T: Send>(n: T) -> Result<u32> {
    drop(n);
    Ok(1)
}

fn main() {}
