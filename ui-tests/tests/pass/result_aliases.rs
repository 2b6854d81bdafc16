use sagewai::prelude::*;

type StepResult<T> = sagewai::Result<T>;

mod result {
    pub type Result<T> = std::result::Result<T, sagewai::Failure>;
}

#[step]
async fn alias(n: u32) -> StepResult<u32> {
    Ok(n)
}

#[step]
async fn by_path(n: u32) -> result::Result<u32> {
    Ok(n)
}

#[workflow]
async fn both(n: u32) -> StepResult<u32> {
    Ok(alias(n).await? + by_path(n).await?)
}

fn main() {
    let _ = both(1);
}
