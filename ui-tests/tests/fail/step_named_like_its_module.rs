mod steps {
    mod research {
        use sagewai::prelude::*;
        #[step]
        pub async fn research(n: u32) -> Result<u32> {
            Ok(n)
        }
    }
    pub use research::research;
}

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    steps::research(n).await
}

fn main() {}
