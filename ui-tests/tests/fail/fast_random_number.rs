use sagewai::prelude::*;

/// Stands in for the crate.
mod fastrand {
    pub fn u32(_: std::ops::RangeTo<u32>) -> u32 {
        4
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _drawn = fastrand::u32(..10);
    Ok(n)
}

fn main() {}
