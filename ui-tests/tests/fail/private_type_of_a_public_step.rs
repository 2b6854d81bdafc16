use sagewai::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Notes(u32);

#[step]
pub async fn research(n: u32) -> Result<Notes> {
    Ok(Notes(n))
}

fn main() {}
