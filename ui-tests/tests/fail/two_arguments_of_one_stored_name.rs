use sagewai::prelude::*;

#[step]
async fn draft(notes: u32, _notes: u32) -> Result<u32> {
    Ok(notes)
}

fn main() {}
