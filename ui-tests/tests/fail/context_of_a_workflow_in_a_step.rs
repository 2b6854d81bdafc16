use sagewai::prelude::*;

#[step]
async fn draft(cx: &WorkflowContext) -> Result<String> {
    Ok(cx.run_id().to_string())
}

fn main() {}
