use sagewai::prelude::*;

/// Stands in for the crate.
mod chrono {
    pub struct Utc;
    impl Utc {
        pub fn now() -> u64 {
            1
        }
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _started = chrono::Utc::now();
    Ok(n)
}

fn main() {}
