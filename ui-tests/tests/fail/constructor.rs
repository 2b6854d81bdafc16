use sagewai::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Draft(u32);

impl Draft {
    #[step]
    async fn write(n: u32) -> Result<Self> {
        Ok(Draft(n))
    }
}

fn main() {}
