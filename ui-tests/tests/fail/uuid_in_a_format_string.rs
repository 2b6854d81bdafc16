use sagewai::prelude::*;

/// Stands in for the crate.
mod uuid {
    pub struct Uuid;
    impl Uuid {
        pub fn new_v4() -> String {
            String::new()
        }
    }
}
use uuid::Uuid;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _id = format!("order-{}", Uuid::new_v4());
    Ok(n)
}

fn main() {}
