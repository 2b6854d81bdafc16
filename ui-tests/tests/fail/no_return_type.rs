use sagewai::prelude::*;

#[step]
async fn draft(n: u32) {
    let _ = n;
}

fn main() {}
