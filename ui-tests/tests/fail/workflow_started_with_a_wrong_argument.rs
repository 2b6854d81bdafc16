use sagewai::prelude::*;

#[workflow]
async fn article(topic: String) -> Result<usize> {
    Ok(topic.len())
}

async fn handler(client: &Client) {
    let _ = article(3).start(client).await;
}

fn main() {}
