use sagewai::prelude::*;

struct Shop;

impl Shop {
    #[workflow]
    async fn order(self, n: u32) -> Result<u32> {
        Ok(n)
    }
}

fn main() {}
