use sagewai::prelude::*;

#[step]
async fn research(topic: String) -> Result<Vec<String>> {
    Ok(vec![topic])
}

#[workflow]
async fn article(topic: String) -> Result<usize> {
    research(topic).await
}

fn main() {}
