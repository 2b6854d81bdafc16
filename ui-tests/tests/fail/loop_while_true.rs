use sagewai::prelude::*;

#[workflow]
async fn article(mut n: u32) -> Result<u32> {
    #[expect(while_true)]
    while true {
        n += 1;
    }
    Ok(n)
}

fn main() {}
