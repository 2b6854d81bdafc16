use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

/// Stands in for the crate.
mod futures {
    pub mod future {
        #[expect(dead_code, reason = "refused before it is looked up")]
        pub fn try_join_all() {}
    }
}

#[workflow]
async fn article(numbers: Vec<u32>) -> Result<u32> {
    let drafts = futures::future::try_join_all(numbers.into_iter().map(draft)).await?;
    Ok(drafts.into_iter().sum())
}

fn main() {}
