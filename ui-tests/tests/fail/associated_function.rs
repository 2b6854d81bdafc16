use sagewai::prelude::*;

struct Writer;

impl Writer {
    #[step]
    pub async fn draft(n: u32) -> Result<u32> {
        Ok(n)
    }
}

fn main() {}
