use sagewai::prelude::*;

struct Writer;

impl Writer {
    #[step]
    async fn draft(&self, n: u32) -> Result<u32> {
        Ok(n)
    }
}

fn main() {}
