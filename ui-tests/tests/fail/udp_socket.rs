use sagewai::prelude::*;

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let _socket = std::net::UdpSocket::bind("localhost:0")?;
    Ok(n)
}

fn main() {}
