use sagewai::prelude::*;

#[step]
async fn draft(notes: &str) -> Result<&str> {
    Ok(notes)
}

fn main() {}
