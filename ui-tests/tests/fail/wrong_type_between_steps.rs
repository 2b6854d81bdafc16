use sagewai::prelude::*;

#[step]
async fn research(topic: String) -> Result<Vec<String>> {
    Ok(vec![topic])
}

#[step]
async fn draft(notes: Vec<String>) -> Result<usize> {
    Ok(notes.len())
}

#[workflow]
async fn article(topic: String) -> Result<usize> {
    let notes = research(topic.clone()).await?;
    draft(topic).await?;
    draft(notes).await
}

fn main() {}
