use sagewai::prelude::*;

#[step]
async fn draft<const N: usize>(notes: [u8; N]) -> Result<usize> {
    Ok(notes.len())
}

fn main() {}
