use std::rc::Rc;

use sagewai::prelude::*;

#[step]
async fn draft(notes: Rc<u32>) -> Result<u32> {
    Ok(*notes)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    draft(Rc::new(n)).await
}

fn main() {}
