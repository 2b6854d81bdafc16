use sagewai::prelude::*;

/// Stands in for the crate.
mod rand {
    pub struct Rng;
    pub fn rng() -> Rng {
        Rng
    }
    impl Rng {
        pub fn next_u32(&mut self) -> u32 {
            4
        }
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let mut rng = rand::rng();
    let _drawn = rng.next_u32();
    Ok(n)
}

fn main() {}
