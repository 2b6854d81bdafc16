use sagewai::StepContext as Ctx;
use sagewai::prelude::*;

#[step]
async fn draft(ctx: Ctx) -> Result<u32> {
    Ok(ctx.attempt())
}

fn main() {}
