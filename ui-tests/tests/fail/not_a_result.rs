use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> u32 {
    n
}

fn main() {}
