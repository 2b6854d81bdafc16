use sagewai::prelude::*;

#[workflow]
async fn article(text: String) -> Result<()> {
    std::fs::write("article.md", text)?;
    Ok(())
}

fn main() {}
