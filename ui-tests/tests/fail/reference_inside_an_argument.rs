use sagewai::prelude::*;

#[step]
async fn draft(notes: Option<&str>) -> Result<usize> {
    Ok(notes.map_or(0, str::len))
}

fn main() {}
