use sagewai::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Order(u32);

#[workflow]
async fn article(order: &Order) -> Result<u32> {
    Ok(order.0)
}

fn main() {}
