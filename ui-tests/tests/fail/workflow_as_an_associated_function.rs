use sagewai::prelude::*;

struct Shop;

/// What a shop does.
impl Shop {
    const NAME: &'static str = "{";

    /// Takes an order.
    #[workflow(name = "order")]
    async fn order(n: u32) -> Result<u32> {
        approval("order").await?;
        Ok(n)
    }
}

fn main() {
    let _ = Shop::NAME;
    let _ = Shop::order(1);
}
