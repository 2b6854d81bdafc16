use sagewai::prelude::*;

trait Writer {
    #[step]
    async fn draft(n: u32) -> Result<u32> {
        Ok(n)
    }
}

fn main() {}
