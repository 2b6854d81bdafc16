use sagewai::prelude::*;

#[step]
async fn draft(a: &StepContext, b: &StepContext) -> Result<u32> {
    Ok(a.attempt() + b.attempt())
}

fn main() {}
