use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
async fn publish(n: u32) -> Result<String> {
    Ok(n.to_string())
}

#[workflow]
async fn article(n: u32) -> Result<String> {
    let n = draft(n).await?;
    publish(n).await
}

fn show(state: ArticleState) -> String {
    match state {
        ArticleState::Draft(n) => n.to_string(),
        ArticleState::Other(json) => json.to_string(),
    }
}

fn main() {}
