use sagewai::prelude::*;

/// Stands in for the crate.
mod ulid {
    pub struct Ulid;
    impl Ulid {
        pub fn new() -> String {
            String::new()
        }
    }
}
use ulid::Ulid;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _id = Ulid::new();
    Ok(n)
}

fn main() {}
