use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> ! {
    panic!("{n}")
}

fn main() {}
