use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

static mut DRAFTS: u32 = 0;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    unsafe {
        DRAFTS += 1;
    }
    draft(n).await
}

fn main() {}
