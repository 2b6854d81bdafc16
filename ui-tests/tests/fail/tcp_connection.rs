use std::net::TcpStream;

use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _socket = TcpStream::connect("localhost:80")?;
    Ok(n)
}

fn main() {}
