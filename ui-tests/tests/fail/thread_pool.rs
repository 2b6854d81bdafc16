use sagewai::prelude::*;

/// Stands in for the crate.
mod rayon {
    pub fn join<A, B>(a: impl FnOnce() -> A, b: impl FnOnce() -> B) -> (A, B) {
        (a(), b())
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _sum = rayon::join(|| n, || n);
    Ok(n)
}

fn main() {}
