use sagewai::prelude::*;

struct Writer;

#[step]
impl Writer {
    async fn draft(n: u32) -> Result<u32> {
        Ok(n)
    }
}

fn main() {}
