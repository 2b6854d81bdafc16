use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _output = std::process::Command::new("ls").output()?;
    Ok(n)
}

fn main() {}
