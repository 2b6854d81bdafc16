use sagewai::prelude::*;

struct Draft {
    title: String,
}

#[step]
async fn draft(n: u32) -> Result<Draft> {
    Ok(Draft { title: n.to_string() })
}

#[workflow]
async fn article(n: u32) -> Result<usize> {
    Ok(draft(n).await?.title.len())
}

fn main() {}
