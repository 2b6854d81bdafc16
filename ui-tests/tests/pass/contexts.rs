use sagewai::prelude::*;
use sagewai::Step;

#[step]
async fn borrowed(ctx: &StepContext, n: u32) -> Result<u32> {
    Ok(n + ctx.attempt())
}

#[step]
async fn owned(n: u32, ctx: sagewai::StepContext) -> Result<String> {
    Ok(format!("{n} {}", ctx.idempotency_key()))
}

#[step]
async fn alone(ctx: StepContext) -> Result<u32> {
    Ok(ctx.attempt())
}

#[workflow]
async fn with_context(cx: &WorkflowContext, n: u32) -> Result<String> {
    let sum = borrowed(n).await? + alone().await?;
    Ok(format!("{} {sum} {}", cx.run_id(), owned(n).await?))
}

#[workflow]
async fn with_owned_context(cx: WorkflowContext) -> Result<String> {
    Ok(cx.run_id().to_string())
}

#[tokio::main]
async fn main() -> Result<()> {
    assert_eq!(borrowed(2).await?, 3);
    assert_eq!(borrowed::SPEC.params, ["n"]);
    let _ = (with_context(1), with_owned_context());
    Ok(())
}
