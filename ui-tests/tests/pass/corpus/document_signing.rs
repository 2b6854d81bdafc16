//! Waits for several people in turn, with a deadline that a step looks at.

use std::time::{Duration, SystemTime};

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    title: String,
    file: String,
    signers: Vec<String>,
}

#[step]
async fn invite(signer: &str, file: &str) -> Result<()> {
    let _ = (signer, file);
    Ok(())
}

#[step]
async fn seal(document: Document, signed: Vec<(String, SystemTime)>) -> Result<String> {
    Ok(format!("{} ({})", document.title, signed.len()))
}

#[step]
async fn archive(sealed: String) -> Result<String> {
    Ok(sealed)
}

#[workflow(name = "document-signing")]
async fn signing(document: Document) -> Result<String> {
    let began = now().await;
    let deadline = began + Duration::from_secs(14 * 86_400);
    let mut signed = Vec::new();
    for signer in &document.signers {
        invite(signer, &document.file).await?;
        approval(format!("sign-{signer}")).prompt(&document.title).await?;
        let at = now().await;
        let late = at.duration_since(deadline).is_ok();
        if late {
            return Err(Failure::terminal(format!("{signer} signed after the deadline")));
        }
        signed.push((signer.clone(), at));
    }
    let sealed = seal(document, signed).await?;
    sleep(Duration::from_millis(1500)).await?;
    archive(sealed).await
}

fn main() {
    assert_eq!(sagewai::graph(signing).nodes.len(), 7);
}
