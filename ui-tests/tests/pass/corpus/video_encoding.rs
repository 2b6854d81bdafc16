//! Encodes into several sizes, writes a manifest with macros of std.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sagewai::prelude::*;

#[step(retries = 1, timeout = "6h")]
async fn encode(source: &Path, height: u32) -> Result<PathBuf> {
    Ok(source.with_extension(format!("{height}.mp4")))
}

#[step]
async fn probe(source: &Path) -> Result<u32> {
    Ok(source.as_os_str().len() as u32)
}

#[step]
async fn publish(manifest: &str, files: Vec<PathBuf>) -> Result<usize> {
    Ok(manifest.len() + files.len())
}

#[workflow]
async fn video(source: PathBuf, heights: Vec<u32>) -> Result<usize> {
    assert!(!heights.is_empty(), "no sizes for {}", source.display());
    let height = probe(&source).await?;
    let mut manifest = String::from("#EXTM3U\n");
    let mut files = vec![source.with_extension("txt")];
    for wanted in heights.iter().copied().filter(|wanted| *wanted <= height) {
        let file = encode(&source, wanted).await?;
        writeln!(manifest, "{wanted}: {}", file.display())?;
        files.push(file);
    }
    debug_assert!(files.len() <= heights.len() + 1);
    let is_wide = matches!(height, 1080.. if files.len() > 1);
    if is_wide {
        let poster = format!("{}-{}", source.join("poster").display(), encode(&source, 1).await?.display());
        manifest.push_str(&poster);
    }
    publish(&manifest, files).await
}

fn main() {
    assert_eq!(sagewai::graph(video).nodes.len(), 4);
}
