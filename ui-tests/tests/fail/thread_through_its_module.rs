use std::thread;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    thread::spawn(move || n);
    Ok(n)
}

fn main() {}
