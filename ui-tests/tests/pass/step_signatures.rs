use std::path::{Path, PathBuf};

use sagewai::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Notes {
    lines: Vec<String>,
}

#[step]
async fn nothing() -> Result<()> {
    Ok(())
}

#[step]
async fn by_value(notes: Notes) -> Result<usize> {
    Ok(notes.lines.len())
}

#[step]
async fn by_reference(notes: &Notes) -> Result<usize> {
    Ok(notes.lines.len())
}

#[step]
async fn text_slice_and_path(text: &str, lines: &[String], path: &Path) -> Result<usize> {
    Ok(text.len() + lines.len() + path.components().count())
}

#[step]
async fn changed_inside(mut count: u32, _later: Option<bool>) -> Result<u32> {
    count += 1;
    Ok(count)
}

#[step]
async fn named_like_its_argument(named_like_its_argument: String) -> Result<String> {
    Ok(named_like_its_argument)
}

#[step]
async fn eight(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: &(u8, char)) -> Result<u8> {
    Ok(a + b + c + d + e + f + g + h.0)
}

#[workflow]
async fn all(topic: &str, path: PathBuf) -> Result<usize> {
    nothing().await?;
    let notes = Notes { lines: vec![topic.to_owned()] };
    let mut count = by_reference(&notes).await?;
    count += text_slice_and_path(topic, &notes.lines, &path).await?;
    count += named_like_its_argument(topic.into()).await?.len();
    count += changed_inside(1, None).await? as usize;
    count += eight(1, 2, 3, 4, 5, 6, 7, &(8, 'h')).await? as usize;
    Ok(count + by_value(notes).await?)
}

#[tokio::main]
async fn main() -> Result<()> {
    // Outside a workflow a step is the async function it was.
    let path = Path::new("a/b");
    assert_eq!(text_slice_and_path("abc", &[String::new()], path).await?, 6);
    assert_eq!(changed_inside(1, Some(true)).await?, 2);
    let _ = all("a topic", path.into());
    Ok(())
}
