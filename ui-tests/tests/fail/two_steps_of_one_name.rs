use sagewai::prelude::*;

mod mail {
    use sagewai::prelude::*;
    #[step]
    pub async fn send(n: u32) -> Result<u32> {
        Ok(n)
    }
}

#[step(name = "send")]
async fn text(n: u32) -> Result<u32> {
    Ok(n)
}

#[workflow]
async fn notify(n: u32) -> Result<u32> {
    let sent = mail::send(n).await?;
    Ok(sent + text(n).await? + mail::send(sent).await?)
}

fn main() {}
