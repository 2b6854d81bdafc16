use sagewai::prelude::*;

async fn helper(n: u32) -> u32 {
    n
}

macro_rules! unknown {
    () => {};
}

/// The body is checked twice because of the macro, and the mistake is reported once.
#[workflow]
async fn article(n: u32) -> Result<u32> {
    unknown!();
    Ok(helper(n).await)
}

fn main() {}
