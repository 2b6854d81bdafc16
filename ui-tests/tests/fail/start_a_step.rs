use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

async fn handler(client: &Client) {
    let _ = draft(1).start(client).await;
}

fn main() {}
