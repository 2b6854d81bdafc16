use sagewai::prelude::*;

#[step]
async fn draft(notes: &'static str) -> Result<usize> {
    Ok(notes.len())
}

fn main() {}
