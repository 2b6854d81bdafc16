#![deny(warnings)]
use sagewai::prelude::*;

/// Documentation goes to the function that is called.
#[step]
#[inline(never)]
#[allow(clippy::let_and_return, unused_variables)]
async fn documented(unused: u32) -> Result<u32> {
    let n = 1;
    Ok(n)
}

#[cfg(any())]
#[step]
async fn left_out_above(n: Missing) -> Result<u32> {
    Ok(n)
}

#[step]
#[cfg(any())]
async fn left_out_below(n: Missing) -> Result<u32> {
    Ok(n)
}

#[step]
#[deprecated(note = "use `documented`")]
async fn old(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow(name = "with-attributes")]
#[allow(deprecated)]
async fn with_attributes(n: u32) -> Result<u32> {
    #![allow(unused_variables)]
    let unused = documented(n).await?;
    old(n).await
}

fn main() {
    let _ = with_attributes(1);
}
