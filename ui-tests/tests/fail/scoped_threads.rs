use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    std::thread::scope(|scope| {
        scope.spawn(|| n);
    });
    Ok(n)
}

fn main() {}
