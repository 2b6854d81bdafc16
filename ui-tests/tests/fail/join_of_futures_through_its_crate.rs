use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

/// Stands in for the crate.
mod futures {
    #[expect(unused_macros, reason = "refused before it is looked up")]
    macro_rules! of_the_crate {
        ($($branch:expr),*) => { compile_error!("never expanded") };
    }
    #[expect(unused_imports, reason = "refused before it is looked up")]
    pub(crate) use of_the_crate as join;
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let (first, second) = futures::join!(draft(n), draft(n + 1));
    Ok(first? + second?)
}

fn main() {}
