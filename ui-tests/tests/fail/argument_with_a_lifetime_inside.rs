use sagewai::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, Clone)]
struct Notes<'a> {
    text: &'a str,
}

#[step]
async fn read(notes: Notes<'_>) -> Result<()> {
    drop(notes.text);
    Ok(())
}

fn main() {}
