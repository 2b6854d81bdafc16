use sagewai::prelude::*;

#[workflow(queue_depth = 0)]
async fn greet(name: String) -> Result<String> {
    Ok(name)
}

fn main() {}
