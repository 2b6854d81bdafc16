use sagewai::prelude::*;

#[step]
async fn draft<'a>(notes: &'a str) -> Result<usize> {
    Ok(notes.len())
}

fn main() {}
