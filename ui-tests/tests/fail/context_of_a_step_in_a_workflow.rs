use sagewai::prelude::*;

#[workflow]
async fn article(ctx: &StepContext) -> Result<u32> {
    Ok(ctx.attempt())
}

fn main() {}
