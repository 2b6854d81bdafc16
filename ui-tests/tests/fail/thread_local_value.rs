use std::cell::Cell;

use sagewai::prelude::*;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let depth = DEPTH.with(|depth| depth.get());
    assert!(depth < n);
    Ok(n)
}

fn main() {}
