use sagewai::prelude::*;

#[step]
fn draft(n: u32) -> impl Future<Output = Result<u32>> {
    async move { Ok(n) }
}

fn main() {}
