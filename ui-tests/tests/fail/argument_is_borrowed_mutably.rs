use sagewai::prelude::*;

#[step]
async fn draft(notes: &mut String) -> Result<()> {
    notes.clear();
    Ok(())
}

fn main() {}
