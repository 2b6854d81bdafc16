use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

/// Stands in for the crate.
mod futures {
    pub mod future {
        #[expect(dead_code, reason = "refused before it is looked up")]
        pub fn join() {}
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (first, second) = futures::future::join(draft(n), draft(n + 1)).await;
    Ok(first? + second?)
}

fn main() {}
