use sagewai::prelude::*;

/// Stands in for the crate.
mod rand {
    pub struct StdRng;
    impl StdRng {
        pub fn from_os_rng() -> StdRng {
            StdRng
        }
    }
}
use rand::StdRng;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _rng = StdRng::from_os_rng();
    Ok(n)
}

fn main() {}
