use sagewai::prelude::*;

#[step(queue_depth = 5)]
async fn greet(name: String) -> Result<String> {
    Ok(name)
}

fn main() {}
