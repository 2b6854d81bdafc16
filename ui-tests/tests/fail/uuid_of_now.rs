use sagewai::prelude::*;

/// Stands in for the crate.
mod uuid {
    pub struct Uuid;
    impl Uuid {
        pub fn now_v7() -> String {
            String::new()
        }
    }
}
use uuid::Uuid;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _id = Uuid::now_v7();
    Ok(n)
}

fn main() {}
