use sagewai::prelude::*;

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

macro_rules! flow {
    ($name:ident, $step:ident) => {
        #[workflow]
        async fn $name(n: u32) -> Result<u32> {
            $step(n).await
        }
    };
}
flow!(article, drft);

fn main() {}
