use sagewai::prelude::*;

#[workflow]
async fn article(mut n: u32) -> Result<u32> {
    loop {
        n = n.wrapping_add(1);
    }
}

fn main() {}
