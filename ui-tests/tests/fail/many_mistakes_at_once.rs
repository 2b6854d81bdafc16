use sagewai::prelude::*;

#[step(retires = 3, timeout = 0)]
fn draft(notes: &mut String, _: u32) -> u32 {
    notes.len() as u32
}

fn main() {}
