use sagewai::prelude::*;

trait Writer {
    #[step]
    async fn draft(n: u32) -> Result<u32>;
}

fn main() {}
