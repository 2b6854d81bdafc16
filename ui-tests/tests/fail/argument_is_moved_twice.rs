use sagewai::prelude::*;

#[step]
async fn draft(topic: String) -> Result<usize> {
    Ok(topic.len())
}

#[workflow]
async fn article(topic: String) -> Result<usize> {
    let n = draft(topic).await?;
    Ok(n + draft(topic).await?)
}

fn main() {}
