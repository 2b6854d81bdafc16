use sagewai::prelude::*;

mod steps {
    use sagewai::prelude::*;

    #[step]
    pub async fn research(n: u32) -> Result<u32> {
        Ok(n)
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    steps::reserch(n).await
}

fn main() {}
