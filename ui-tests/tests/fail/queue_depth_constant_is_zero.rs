use sagewai::prelude::*;

const NONE: u32 = 0;

#[workflow(queue_depth = NONE)]
async fn greet(name: String) -> Result<String> {
    Ok(name)
}

fn main() {}
