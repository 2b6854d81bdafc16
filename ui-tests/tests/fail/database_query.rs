use sagewai::prelude::*;

/// Stands in for the crate.
mod sqlx {
    pub fn query(text: &str) -> &str {
        text
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _query = sqlx::query("SELECT 1");
    Ok(n)
}

fn main() {}
