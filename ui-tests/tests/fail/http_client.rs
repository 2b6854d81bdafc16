use sagewai::prelude::*;

/// Stands in for the crate.
mod reqwest {
    pub struct Client;
    impl Client {
        pub fn new() -> Client {
            Client
        }
    }
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _client = reqwest::Client::new();
    Ok(n)
}

fn main() {}
