use sagewai::prelude::*;

#[step]
struct Draft;

fn main() {}
