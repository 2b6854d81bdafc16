use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    match n {
        0 => {}
        n if std::env::var("DEBUG").is_ok() => assert!(n > 0),
        _ => {}
    }
    Ok(n)
}

fn main() {}
