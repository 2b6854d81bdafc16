use sagewai::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Notes(u32);

#[step]
async fn draft(notes: &Notes) -> Result<u32> {
    Ok(notes.0)
}

fn main() {}
