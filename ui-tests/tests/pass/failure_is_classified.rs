use sagewai::prelude::*;
use sagewai::Step;

#[step]
async fn any_error(n: &str) -> Result<u32> {
    if n.is_empty() {
        return Err("empty".into());
    }
    let n: u32 = n.parse()?;
    if n > 9 {
        return Err(Failure::terminal("too large"));
    }
    anyhow_error(n)?;
    Ok(n)
}

fn anyhow_error(n: u32) -> anyhow::Result<()> {
    anyhow::ensure!(n != 7, "seven");
    Ok(())
}

#[tokio::main]
async fn main() {
    let ends = any_error("10").await.unwrap_err();
    assert!(any_error::is_terminal(&ends));
    for retried in ["", "x", "7"] {
        let failure = any_error(retried).await.unwrap_err();
        assert!(!any_error::is_terminal(&failure), "{failure}");
    }
}
