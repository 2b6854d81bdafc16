use sagewai::prelude::*;

#[step]
async fn draft(notes: &str) -> Result<usize> {
    Ok(notes.len())
}

#[workflow]
async fn article(topic: String) -> Result<usize> {
    draft(topic).await
}

fn main() {}
