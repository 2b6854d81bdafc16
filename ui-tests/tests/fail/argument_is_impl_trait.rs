use sagewai::prelude::*;

#[step]
async fn draft(notes: impl Into<String>) -> Result<String> {
    Ok(notes.into())
}

fn main() {}
